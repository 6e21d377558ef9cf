"""The smoke runs of one sweep, counted and held against what was promised.

Every folder that was run counts once, whatever came of it; nothing is left out of a total.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from containers.smoke_result import OURS, Label

if TYPE_CHECKING:
    from collections.abc import Sequence

    from containers.smoke_result import SmokeResult
    from harness.smoke.explained import Explanations
    from harness.sweep.reader import Reader

MEDIAN_SECONDS = 25.0
SLOW_SECONDS = 120.0
OVERHEAD_SECONDS = 2.0
SETTLED_SHARE = 0.95
GAP_SHARE = 0.06


@dataclass(frozen=True, slots=True)
class Run:
    """One folder that was run."""

    pr: int
    position: int
    folder: str
    head_sha: str
    result: SmokeResult


@dataclass(frozen=True, slots=True)
class Goal:
    """One promise, and what was measured."""

    name: str
    wanted: str
    reached: str
    met: bool


def runs_of(reader: Reader) -> tuple[Run, ...]:
    """Return every run of a sweep, by pull request and folder."""
    heads = {pull.pr: pull.head_sha for pull in reader.pulls()}
    entries = {(entry.pr, entry.position): entry for entry in reader.entries()}
    return tuple(
        Run(*where, entries[where].folder, heads[where[0]], result)
        for where, result in reader.smokes().items()
        if where in entries
    )


def counts_of(runs: Sequence[Run]) -> list[tuple[Label, int]]:
    """Return each label with its runs, every label once."""
    counts = Counter(run.result.label for run in runs)
    return [(label, counts[label]) for label in Label]


def goals_of(runs: Sequence[Run], explained: Explanations) -> tuple[Goal, ...]:
    """Return the promises of the smoke test with what these runs say of them."""
    boxed = [run.result.seconds for run in runs if run.result.seconds.run]
    whole = [seconds.run + seconds.overhead for seconds in boxed]
    around = [seconds.overhead for seconds in boxed]
    passed = [run for run in runs if run.result.label is Label.PASS]
    settled = [run for run in runs if run in passed or explained.is_theirs(run)]
    gaps = [run for run in runs if run.result.label in OURS]
    return (
        _share("reach the end, or a reader confirms a fault of theirs", len(settled), runs, SETTLED_SHARE),
        _share("SHIM_GAP, INFRA_FAULT, NOT_RUN", len(gaps), runs, GAP_SHARE, most=True),
        _time("median, end to end", percentile(whole, 50), MEDIAN_SECONDS),
        _time("95th percentile, end to end", percentile(whole, 95), SLOW_SECONDS),
        _time("start-up and teardown, median", percentile(around, 50), OVERHEAD_SECONDS),
        _time("start-up and teardown, 95th percentile", percentile(around, 95), OVERHEAD_SECONDS),
    )


def _share(name: str, part: int, runs: Sequence[Run], bound: float, *, most: bool = False) -> Goal:
    share = part / len(runs) if runs else 0.0
    reached = f"{part}/{len(runs)} ({100 * share:.1f} %)"
    met = bool(runs) and (share <= bound if most else share >= bound)
    return Goal(name, f"at {'most' if most else 'least'} {100 * bound:.0f} %", reached, met)


def _time(name: str, seconds: float | None, bound: float) -> Goal:
    reached = "nothing ran" if seconds is None else f"{seconds:.1f} s"
    return Goal(name, f"at most {bound:g} s", reached, seconds is not None and seconds <= bound)


def percentile(values: Sequence[float], percent: float) -> float | None:
    """Return the smallest value that `percent` per cent of them do not exceed, None without values."""
    ordered = sorted(values)
    if not ordered:
        return None
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]
