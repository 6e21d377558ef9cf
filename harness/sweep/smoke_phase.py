"""The part of a sweep that runs folders in boxes, and weighs what came of it in the kept verdicts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from containers.smoke_result import Label
from harness.sweep import work
from harness.sweep.records import State

if TYPE_CHECKING:
    from harness.smoke.workshop import Setup, Workshop
    from harness.sweep.records import StoredSmoke
    from harness.sweep.store import Store
    from harness.sweep.sweeper import Progress
    from harness.sweep.versions import Versions


_LIMITS = frozenset({Label.TIMEOUT, Label.RESOURCE})


def open_workshop(setup: Setup, progress: Progress) -> Workshop:
    """Return where smoke runs are made; raises `UserError` where there is no engine. A build is a phase."""
    from harness.sweep import smoking

    told: list[str] = []

    def say(line: str) -> None:
        if not told:
            progress.phase("building the image for smoke runs", 1)
        told.append(line)

    workshop = smoking.open_for_sweep(setup, say)
    if told:
        progress.step()
    return workshop


def run_missing(
    store: Store, workshop: Workshop, repo: str, jobs: int, progress: Progress, *, retry: bool = False
) -> int:
    """Run what was not run yet, `jobs` boxes at a time, and return how many ran now.

    `retry` runs again what a limit of the box ended: on a busy machine that says little.
    """
    from harness.sweep.smoking import SmokeTask, smoke_all

    entries = [entry for entry in store.entries() if entry.state in (State.AUDITED, State.CRASHED)]
    places = [(entry.pr, entry.position) for entry in entries]
    tasks = (
        SmokeTask(
            where,
            repo,
            store.shell(where),
            store.facts_record(entry.facts_key),
            _known(store.smoke(where), retry=retry),
        )
        for where, entry in zip(places, entries, strict=True)
    )
    progress.phase("running in boxes", len(entries))
    ran = 0
    for done in smoke_all(workshop, tasks, jobs):
        with store.transaction():
            store.put_smoke(done.where, done.stored)
        ran += done.ran
        progress.step()
    return ran


def _known(stored: StoredSmoke | None, *, retry: bool) -> StoredSmoke | None:
    """Return what is kept of a folder, None where it is to be run again."""
    if stored is None or not retry:
        return stored
    return None if json.loads(stored.document)["label"] in _LIMITS else stored


def merge(store: Store, versions: Versions) -> None:
    """Weigh what smoke runs say with what the rules say, in the verdicts that are kept."""
    from harness.smoke.outcome import outcomes_of

    smokes = store.smokes()
    judged = {(item.entry.pr, item.entry.position): item for item in store.judged()} if smokes else {}
    for where, result in smokes.items():
        if where not in judged:
            continue
        verdicts = work.verdicts_of((*store.outcomes(where), *outcomes_of(result)))
        if any(judged[where].verdicts[verdict.policy] != verdict for verdict in verdicts):
            with store.transaction():
                store.put_verdicts(where, verdicts, versions)
