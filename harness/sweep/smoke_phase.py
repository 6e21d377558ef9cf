"""The parts of a sweep that run folders in boxes, and weigh what came of it in the kept verdicts."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from containers.smoke_result import Label
from harness.sweep import work
from harness.sweep.records import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from containers.probe_result import ProbeResult
    from harness.probe.probing import Bench, ProbeSetup
    from harness.smoke.workshop import Setup, Workshop
    from harness.sweep.reader import Reader
    from harness.sweep.records import Entry, StoredSmoke, Where
    from harness.sweep.smoking import SmokeDone, SmokeTask
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


def open_bench(setup: ProbeSetup, workshop: Workshop | None, progress: Progress) -> Bench:
    """Return where probes are made: in the workshop of the smoke runs where there is one."""
    from harness.probe.probing import Bench
    from harness.smoke.workshop import Setup

    return Bench(workshop or open_workshop(Setup(setup.isolation), progress), setup.options)


def smoke_missing(
    store: Store, workshop: Workshop, repo: str, jobs: int, progress: Progress, *, retry: bool = False
) -> int:
    """Run what was not run yet, `jobs` boxes at a time, and return how many ran now.

    `retry` runs again what a limit of the box ended: on a busy machine that says little.
    """
    from harness.sweep.smoking import smoke_one

    def known(where: Where) -> StoredSmoke | None:
        return _known(store.smoke(where), retry=retry)

    tasks = _tasks(store, repo, known)
    progress.phase("running in boxes", len(tasks))
    return _carry_out(store, partial(smoke_one, workshop), tasks, store.put_smoke, jobs, progress)


def probe_missing(
    store: Store,
    bench: Bench,
    repo: str,
    jobs: int,
    progress: Progress,
    *,
    retry: bool = False,
    folders: Mapping[int, frozenset[str]] | None = None,
) -> int:
    """Probe what was not probed yet, `jobs` boxes at a time, and return how many were probed now.

    `retry` probes again what came to no end. Of a pull request in `folders` only those are probed, where it
    has one of them: a probe takes minutes.
    """
    from harness.sweep.probing import is_unfinished, probe_one

    def known(where: Where) -> StoredSmoke | None:
        stored = store.probe(where)
        return None if stored is not None and retry and is_unfinished(stored) else stored

    tasks = _tasks(store, repo, known)
    tasks = replace(tasks, entries=_wanted(tasks.entries, folders or {}))
    progress.phase("probing in boxes", len(tasks))
    return _carry_out(store, partial(probe_one, bench), tasks, store.put_probe, jobs, progress)


def _wanted(entries: list[Entry], folders: Mapping[int, frozenset[str]]) -> list[Entry]:
    """Return the entries without those beside a folder that was asked for."""
    asked = [entry for entry in entries if entry.folder in folders.get(entry.pr, ())]
    answered = {entry.pr for entry in asked}
    return [entry for entry in entries if entry.pr not in answered or entry in asked]


def _tasks(store: Store, repo: str, known: Callable[[Where], StoredSmoke | None]) -> _Tasks:
    """Return a task for every folder that was audited; each is made when its turn comes."""
    entries = [entry for entry in store.entries() if entry.state in (State.AUDITED, State.CRASHED)]
    return _Tasks(store, repo, entries, known)


@dataclass(frozen=True, slots=True)
class _Tasks:
    """The folders to be run, read from the store one by one."""

    store: Store
    repo: str
    entries: list[Entry]
    known: Callable[[Where], StoredSmoke | None]

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[SmokeTask]:
        from harness.sweep.smoking import SmokeTask

        for entry in self.entries:
            where = (entry.pr, entry.position)
            facts = self.store.facts_record(entry.facts_key)
            yield SmokeTask(where, self.repo, self.store.shell(where), facts, self.known(where))


def _carry_out(
    store: Store,
    one: Callable[[SmokeTask], SmokeDone],
    tasks: _Tasks,
    keep: Callable[[Where, StoredSmoke], None],
    jobs: int,
    progress: Progress,
) -> int:
    """Run the tasks, keep what came of each, and return how many ran now."""
    from harness.sweep.smoking import carry_out

    ran = 0
    for done in carry_out(one, iter(tasks), jobs):
        with store.transaction():
            keep(done.where, done.stored)
        ran += done.ran
        progress.step()
    return ran


def _known(stored: StoredSmoke | None, *, retry: bool) -> StoredSmoke | None:
    """Return what is kept of a folder, None where it is to be run again."""
    if stored is None or not retry:
        return stored
    return None if json.loads(stored.document)["label"] in _LIMITS else stored


def merge(store: Store, versions: Versions) -> None:
    """Weigh what smoke runs and probes say with what the rules say, in the verdicts that are kept."""
    from harness.probe.outcome import outcomes_of as probe_outcomes
    from harness.smoke.outcome import outcomes_of

    smokes, probes = store.smokes(), probes_of(store)
    found = {*smokes, *probes}
    judged = {(item.entry.pr, item.entry.position): item for item in store.judged()} if found else {}
    for where in sorted(found & judged.keys()):
        told = (
            *(outcomes_of(smokes[where]) if where in smokes else ()),
            *(probe_outcomes(probes[where]) if where in probes else ()),
        )
        verdicts = work.verdicts_of((*store.outcomes(where), *told))
        if any(judged[where].verdicts[verdict.policy] != verdict for verdict in verdicts):
            with store.transaction():
                store.put_verdicts(where, verdicts, versions)


def probes_of(reader: Reader) -> dict[Where, ProbeResult]:
    """Return every probe of a sweep, held against the audit that is kept beside it."""
    from harness.probe.probing import beside

    raw = reader.probes()
    entries = {(entry.pr, entry.position): entry for entry in reader.entries()} if raw else {}
    return {where: beside(result, reader.result(entries[where])) for where, result in raw.items()}
