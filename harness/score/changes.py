"""What changed between two sweeps: calls, patterns, folders that came and folders that went."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audits.outcome import Axis
from harness.score.documented import documented
from harness.score.places import reasons_on

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.sweep.reader import Reader
    from harness.sweep.records import Judged


@documented
@dataclass(frozen=True, slots=True)
class Change:
    """One call that is not what it was."""

    pr: int
    path: str
    """Record folder, relative to the root of the repository."""
    axis: str
    """An axis, or `patterns`."""
    before: str
    after: str
    rules_before: tuple[str, ...]
    rules_after: tuple[str, ...]
    moved: bool
    """The pull request has another head than before."""


@documented
@dataclass(frozen=True, slots=True)
class Changes:
    """What two sweeps of (roughly) the same pull requests differ in."""

    compared: int
    """Folders with a verdict in both."""
    changed: tuple[Change, ...]
    new: tuple[str, ...]
    """Folders with a verdict now only."""
    vanished: tuple[str, ...]
    """Folders that had a verdict, of pull requests that this sweep was asked for."""
    outside: int
    """Folders of pull requests that this sweep was not asked for."""


def compare_runs(before: Reader, after: Reader, policy: str) -> Changes:
    """Return what changed from one sweep to the other under one policy."""
    old, new = _by_place(before), _by_place(after)
    asked = {pull.pr for pull in after.pulls()}
    gone = [place for place in old if place not in new]
    both = [place for place in new if place in old]
    return Changes(
        compared=len(both),
        changed=tuple(c for place in both for c in _changes(before, after, old[place], new[place], policy)),
        new=tuple(_name(place) for place in new if place not in old),
        vanished=tuple(_name(place) for place in gone if place[0] in asked),
        outside=sum(place[0] not in asked for place in gone),
    )


def _by_place(store: Reader) -> dict[tuple[int, str], Judged]:
    return {(item.entry.pr, item.entry.path): item for item in store.judged()}


def _changes(before: Reader, after: Reader, old: Judged, new: Judged, policy: str) -> Iterable[Change]:
    """Yield what differs on one folder."""
    pr, path, moved = new.entry.pr, new.entry.path, old.head_sha != new.head_sha
    was, now = old.verdicts[policy].axes, new.verdicts[policy].axes
    for axis in Axis:
        if was[axis] != now[axis]:
            rules_before = tuple(r.rule for r in reasons_on(before, old, axis, policy))
            rules_after = tuple(r.rule for r in reasons_on(after, new, axis, policy))
            yield Change(pr, path, axis.value, was[axis], now[axis], rules_before, rules_after, moved)
    gone = [name for name in old.patterns if name not in new.patterns]
    come = [name for name in new.patterns if name not in old.patterns]
    if gone or come:
        yield Change(pr, path, "patterns", ", ".join(gone), ", ".join(come), (), (), moved)


def _name(place: tuple[int, str]) -> str:
    return f"#{place[0]} {place[1]}".rstrip()
