"""The sweep as the pages see it: every pull request once, every record folder once.

Promises that nobody disappears: `Field.pulls` is everything that was asked for, and a pull request without
an audited folder still has a row.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audits.challenge_loader import load_challenge
from audits.outcome import Axis
from audits.policy import POLICY_NAMES
from audits.rules import discover
from audits.verdict import Overall
from harness.sweep.records import State

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from audits.challenge import Challenge
    from audits.rule import Rule
    from containers.smoke_result import SmokeResult
    from harness.sweep.reader import Reader
    from harness.sweep.records import Entry, Judged, Pull, Summary

Where = tuple[int, int]
"""Pull request and position of the folder in it."""

POLICY = "practice"
"""The reading that pages show unless they say otherwise."""

CALLS: tuple[str, ...] = (
    *(overall.value for overall in Overall),
    State.CRASHED.name,
    State.PENDING.name,
    State.NOTHING.name,
)
"""Everything that can stand in the place of a verdict, worst first; the last three say that there is none."""

AXES: tuple[str, ...] = tuple(axis.value for axis in Axis)


@dataclass(frozen=True, slots=True)
class Row:
    """One record folder, or one pull request that has none."""

    pull: Pull
    entry: Entry | None
    judged: Judged | None
    """None where nothing was judged."""
    smoke: SmokeResult | None = None
    """How its own code ran in a box, None where it did not."""

    @property
    def where(self) -> Where:
        """Return pull request and position; -1 where there is no folder."""
        return self.pull.pr, self.entry.position if self.entry else -1

    @property
    def state(self) -> State:
        """Return how far it came."""
        return self.entry.state if self.entry else self.pull.state

    @property
    def cause(self) -> str:
        """Return why it crashed, else nothing."""
        return self.entry.cause if self.entry else self.pull.cause

    @property
    def summary(self) -> Summary | None:
        """Return the figures, where facts could be read."""
        return self.judged.summary if self.judged else None

    def call(self, policy: str = POLICY) -> str:
        """Return the verdict, or the state where there is none."""
        if self.judged:
            return self.judged.verdicts[policy].overall
        # A sweep that is still writing may have outcomes and no verdict yet.
        return State.PENDING.name if self.state is State.AUDITED else self.state.name

    def axis(self, axis: str, policy: str = POLICY) -> str:
        """Return the call on one axis, empty where nothing was judged."""
        return self.judged.verdicts[policy].axes[axis] if self.judged else ""


@dataclass(frozen=True, slots=True)
class Field:
    """Everything that a site is made from, apart from the reviews themselves."""

    pulls: tuple[Pull, ...]
    rows: tuple[Row, ...]
    """By pull request and path; every pull request has at least one."""
    about: Mapping[str, str]
    rules: tuple[Rule, ...]
    challenge: Challenge

    def rows_of(self, pr: int) -> tuple[Row, ...]:
        """Return the rows of one pull request."""
        return tuple(row for row in self.rows if row.pull.pr == pr)

    def clusters(self) -> dict[str, tuple[Row, ...]]:
        """Return the clusters of two or more folders by name, largest first."""
        found: dict[str, list[Row]] = {}
        for row in self.rows:
            if row.entry and row.entry.cluster:
                found.setdefault(row.entry.cluster, []).append(row)
        several = [(name, tuple(rows)) for name, rows in found.items() if len(rows) > 1]
        return dict(sorted(several, key=lambda item: (-len(item[1]), item[1][0].where)))


def load_field(store: Reader) -> Field:
    """Return what the store knows."""
    pulls = tuple(store.pulls())
    judged = {(entry.entry.pr, entry.entry.position): entry for entry in store.judged()}
    smokes = store.smokes()
    entries: dict[int, list[Entry]] = {}
    for entry in store.entries():
        entries.setdefault(entry.pr, []).append(entry)
    rows: list[Row] = []
    for pull in pulls:
        rows += [
            Row(pull, entry, judged.get(where), smokes.get(where))
            for entry in entries.get(pull.pr, [])
            for where in ((entry.pr, entry.position),)
        ] or [Row(pull, None, None)]
    return Field(pulls, tuple(rows), store.about(), discover(), load_challenge("parameter_golf"))


def call_of_pull(rows: Sequence[Row], policy: str = POLICY) -> str:
    """Return the call that a pull request is counted under: crashed if any of it crashed, else the worst."""
    if any(row.pull.state is State.CRASHED for row in rows):
        return State.CRASHED.name
    return min((row.call(policy) for row in rows), key=CALLS.index)


def smoke_counts(field: Field) -> list[tuple[str, int]]:
    """Return each label of a smoke run with its folders, in the order of the labels; empty without any."""
    from containers.smoke_result import Label

    counts = Counter(row.smoke.label for row in field.rows if row.smoke)
    return [(label.value, counts[label]) for label in Label if counts[label]]


@dataclass(frozen=True, slots=True)
class Tally:
    """How often each call was made, in the order of `CALLS`."""

    policy: str
    pulls: Mapping[str, int]
    """Every pull request once; adds up to those asked for."""
    folders: Mapping[str, int]
    """Every row of the table once."""
    axes: Mapping[str, Mapping[str, int]]
    """Axis to call to folders; audited folders only."""


def tally(field: Field, policy: str = POLICY) -> Tally:
    """Count the calls under one policy."""
    by_pull: dict[int, list[Row]] = {}
    for row in field.rows:
        by_pull.setdefault(row.pull.pr, []).append(row)
    pulls = Counter(call_of_pull(rows, policy) for rows in by_pull.values())
    folders = Counter(row.call(policy) for row in field.rows)
    axes = {axis: Counter(row.axis(axis, policy) for row in field.rows if row.judged) for axis in AXES}
    return Tally(policy, _ordered(pulls), _ordered(folders), axes)


def tallies(field: Field) -> tuple[Tally, ...]:
    """Count the calls under every policy."""
    return tuple(tally(field, policy) for policy in POLICY_NAMES)


def pattern_counts(field: Field) -> list[tuple[str, int]]:
    """Return each pattern with the folders that reach it, most frequent first."""
    counts = Counter(name for row in field.rows if row.judged for name in row.judged.patterns)
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _ordered(counts: Counter[str]) -> dict[str, int]:
    return {call: counts[call] for call in CALLS}
