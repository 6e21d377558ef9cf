"""Do later tokens, in the slice of another rank, change an earlier score? (C3)

Where ranks score slices of the stream and adapt weights that they share, a rank's later scores have learned
from another rank's slice, which lies later in the stream; one process alone cannot show it. Scores are told
apart by where their target stands, whichever rank gave them: ranks may share out their work by chance.
That ranks train together on what all of them have scored, chunk by chunk, changes no score before the change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .finding import Call, Test, TestEnd
from .placing import UNPLACED
from .runs import RANKED, RANKED_AGAIN, RANKED_CHANGED
from .suffix import CHANGES, COVERED, NOISE_FACTOR, QUIET_NATS
from .update_order import learning_of, scored_at
from .views import View

FEWEST = 16
"""Scores that must differ for a leak: a shared step moves whole batches, and the place of a short passage
that the stream holds twice may be mistaken."""
Ranked = Mapping[str, tuple[View, ...]]
"""The headline's evaluation in the runs as several ranks, by name: a view for each rank."""


@dataclass(frozen=True, slots=True)
class Scores:
    """What all ranks of a run scored, sorted by position, and by value where one was scored twice."""

    positions: np.ndarray
    values: np.ndarray


@dataclass(frozen=True, slots=True)
class Shared:
    """Positions that two runs scored equally often."""

    positions: np.ndarray
    change: np.ndarray
    """By how much the score differs."""


def rank_slices_test(ranked: Ranked, line: str) -> TestEnd:
    """Compare the run as several ranks with one on a stream that differs in the last rank's slice.

    A rank that evaluates nothing has no view; each run has one at least.
    """
    one, other = ranked[RANKED], ranked[RANKED_CHANGED]
    start = other[0].run.start
    shared = shared_scores(scores_of(one), scores_of(other))
    before = shared.positions < start
    again = ranked.get(RANKED_AGAIN)
    noise = None if again is None else _largest(shared_scores(scores_of(one), scores_of(again)).change)
    changed = before & (shared.change > NOISE_FACTOR * (noise or 0.0))
    power = _power(one, shared, start, noise)
    count, total = int(changed.sum()), int(before.sum())
    call, reason = _call(power, count, total, start)
    return TestEnd(
        Test.RANK_SLICES,
        call,
        reason,
        condition="C3" if call is Call.LEAK else "",
        position=int(shared.positions[changed].min()) if count else UNPLACED,
        count=count,
        total=total,
        magnitude=_largest(shared.change[changed]),
        line=line,
        power=power,
        figures={"start": start, "scoring_ranks": len(one)},
    )


def scores_of(views: tuple[View, ...]) -> Scores:
    """Return the placed scores of all ranks."""
    items = [view.items for view in views]
    positions = np.concatenate([item.positions[item.placed] for item in items])
    values = np.concatenate([item.values[item.placed] for item in items])
    order = np.lexsort((values, positions))
    return Scores(positions[order], values[order])


def shared_scores(one: Scores, other: Scores) -> Shared:
    """Return by how much scores differ, at the positions that both runs scored equally often."""
    size = int(max(one.positions.max(initial=0), other.positions.max(initial=0))) + 1
    times = np.bincount(one.positions, minlength=size)
    same = times == np.bincount(other.positions, minlength=size)
    left, right = same[one.positions], same[other.positions]
    change = np.abs(one.values[left] - other.values[right])
    return Shared(one.positions[left], np.asarray(change, np.float64))


def _power(one: tuple[View, ...], shared: Shared, start: int, noise: float | None) -> dict[str, float]:
    """Return what shows that the comparison could have found something."""
    stream = one[0].run.stream
    there = np.flatnonzero(stream[:start] != stream[0])
    after = shared.change[shared.positions >= start]
    learnt = [learning_of(view) for view in one]
    power = {
        "covered": round(float(np.isin(there, shared.positions).mean()) if there.size else 0.0, 4),
        "later_changed": round(float((after > 0).mean()) if after.size else 0.0, 4),
        "positions_learnt": float(sum(learning.learnt.size for learning in learnt)),
        "updates": float(sum(learning.updates for learning in learnt)),
        "reordered": float(sum(_reordered(view, start) for view in one)),
    }
    return power if noise is None else {**power, "noise_nats": noise}


def _reordered(view: View, start: int) -> int:
    """Return how many items before a position were scored after one behind it, by the same rank."""
    items, at = view.items, scored_at(view)
    later = at[items.positions >= start]
    return int((items.placed & (items.positions < start) & (at > later.min())).sum()) if later.size else 0


def _call(power: dict[str, float], count: int, total: int, start: int) -> tuple[Call, str]:
    reason = _lack(power, count)
    if reason:
        return Call.BLIND, reason
    if count:
        return Call.LEAK, (
            f"as two ranks, {count:,} of {total:,} losses before position {start} change with the tokens"
            " from it on: what one rank learned from later tokens reached the other's earlier ones"
        )
    return Call.CLEAN, f"as two ranks, none of {total:,} losses before the change at {start} differs"


def _lack(power: dict[str, float], count: int) -> str:
    """Say what is missing for a difference, or none, to mean something; empty for nothing."""
    if power["covered"] < COVERED:
        return f"as two ranks, {power['covered']:.0%} of the positions before the change were seen scored"
    if not power["positions_learnt"]:
        return "as two ranks, nothing learned from the validation stream"
    if power["later_changed"] < CHANGES:
        return f"as two ranks, only {power['later_changed']:.0%} of the losses behind the change differ"
    if count and power["reordered"]:
        # What a rank shares at the end of a phase may have been scored by then (#1908).
        return "as two ranks, earlier losses differ, yet documents come in another order than the stream"
    if count and "noise_nats" not in power:
        return "losses before the change differ, and whether they do without a reason is not known"
    if power.get("noise_nats", 0.0) > QUIET_NATS:
        return f"two runs as two ranks on one stream differ by {power['noise_nats']:.3g} nats"
    if 0 < count < FEWEST:
        return f"as two ranks, {count} losses before the change differ: too few to tell from a place mistaken"
    return ""


def _largest(values: np.ndarray) -> float:
    return float(values.max(initial=0.0))
