"""Sweeps built by hand: record folders with the outcomes that a test wants, in a real store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audits.outcome import Axis, Outcome, Status
from harness.sweep.reader import Reader, outcomes_to_json
from harness.sweep.records import Entry, Pull, State
from harness.sweep.store import Store
from harness.sweep.versions import Versions
from harness.sweep.work import JudgedEntry, verdicts_of
from tests.audits.builders import evidence, make_outcome

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

VERSIONS = Versions("extractor", "rulebook", "policy")
TRACK = "track_10min_16mb"


@dataclass(frozen=True)
class Folder:
    """One record folder as a test wants it swept."""

    pr: int
    name: str
    outcomes: tuple[Outcome, ...] = ()
    head: str = ""
    track: str | None = TRACK
    script: str = "train_gpt.py"
    crashed: str = ""

    @property
    def path(self) -> str:
        return f"records/{self.track}/{self.name}" if self.track else self.name


def head_of(pr: int) -> str:
    """Return the head that a pull request has unless a test says otherwise."""
    return f"{pr:08x}" + "a" * 32


def calls(
    legality: str = "CLEAN", metric: str = "CLEAN", limits: str = "CLEAN", patterns: Sequence[str] = ()
) -> tuple[Outcome, ...]:
    """Return outcomes that end in these calls and patterns; NOT_APPLICABLE leaves an axis without one."""
    wanted = {Axis.LEGALITY: legality, Axis.METRIC: metric, Axis.LIMITS: limits}
    found = [outcome_of(axis, call) for axis, call in wanted.items() if call != "NOT_APPLICABLE"]
    if patterns:
        seen = make_outcome("recogniser", Axis.RECORD, Status.CLEAN, patterns=tuple(patterns))
        found.append(seen)
    return tuple(found)


def outcome_of(axis: Axis, call: str) -> Outcome:
    """Return one outcome that decides an axis."""
    rule = f"{axis}-rule"
    if call == "CLEAN":
        return make_outcome(rule, axis, Status.CLEAN, "nothing seen")
    if call == "UNCLEAR":
        return make_outcome(rule, axis, Status.UNCLEAR, "cannot tell")
    confidence = 0.4 if call == "FLAG" else 1.0
    place = evidence("train_gpt.py", 10, "here", end=12)
    return make_outcome(rule, axis, Status.FLAGGED, "seen", place, confidence=confidence)


def make_run(directory: Path, folders: Sequence[Folder], asked: Sequence[int] = ()) -> Reader:
    """Write a sweep of these folders and open it."""
    store = Store.create(directory)
    by_pr: dict[int, list[Folder]] = {pr: [] for pr in asked}
    for folder in folders:
        by_pr.setdefault(folder.pr, []).append(folder)
    about = {"extractor": "extractor", "rulebook": "rulebook", "policy": "policy"}
    store.ask(sorted(by_pr), about)
    for pr, members in by_pr.items():
        head = next((folder.head for folder in members if folder.head), head_of(pr))
        pull = Pull(pr, head, f"2026-04-01T00:00:{pr % 60:02d}+00:00", State.PENDING, "", ())
        entries = [(_entry(folder, position), b"") for position, folder in enumerate(members)]
        store.put_pull(pull, "base", "extractor", 0.0, entries)
        for position, folder in enumerate(members):
            _judge(store, folder, position)
    store.close()
    return Reader.open(directory)


def _judge(store: Store, folder: Folder, position: int) -> None:
    key = f"{folder.pr}/{position}"
    record = None if folder.crashed else b"facts"
    store.put_facts(key, "extractor", record, folder.crashed, None, 0.0)
    if not folder.crashed:
        verdicts = verdicts_of(folder.outcomes)
        judged = JudgedEntry((folder.pr, position), outcomes_to_json(folder.outcomes), None, verdicts)
        store.put_judgement(judged, key, VERSIONS)


def _entry(folder: Folder, position: int) -> Entry:
    return Entry(
        pr=folder.pr,
        position=position,
        path=folder.path,
        track=folder.track,
        folder=folder.name,
        main_script=folder.script,
        script_blob="blob",
        facts_key=f"{folder.pr}/{position}",
        state=State.PENDING,
        cause="",
        cluster="",
    )
