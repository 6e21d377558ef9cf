"""Do tokens that come later change a score that came earlier?

LEAK: a loss whose target stands before the change differs by more than the runs of one stream differ among
themselves. CLEAN: none does, they cover what precedes the change, what follows it does differ, and a leak of
ours in the same evaluation was seen. Earlier is what was scored earlier, too: documents that are scored in
another order than the stream's (#1908) may have learnt from changed tokens that had been scored by then.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .finding import Call, Test, TestEnd
from .patterns import pattern_of
from .runs import AGAIN, CHANGED, PLANTED, Run
from .update_order import Learning, may_have_learnt
from .views import Views, sides_of

COVERED = 0.9
"""Share of the positions before the change that must be among the items."""
CHANGES = 0.5
"""Share of the items behind the change that must differ: they have other targets."""
QUIET_NATS = 1e-3
"""Noise above which nothing is called clean."""
NOISE_FACTOR = 4.0
"""By how much a third run may differ more than the second did."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One changed stream."""

    name: str
    start: int
    before: np.ndarray
    changed: np.ndarray
    """Which items before the change differ, without those that had learnt from scored tokens."""
    learnt: int
    """Items before the change that differ for what they had learnt from tokens scored before them."""
    largest: float
    later_changed: float
    covered: float


def noise_of(views: Views) -> float | None:
    """Return how much two runs on one stream differ; None where there is no second one."""
    return float(views.change(AGAIN).max()) if AGAIN in views.others else None


def suffix_test(views: Views, learning: Learning) -> TestEnd:
    """Compare each changed stream with the plain one; the condition of a leak is for the caller to name."""
    noise = noise_of(views)
    compared = [compare(views, name, noise or 0.0, learning) for name in CHANGED if name in views.others]
    leaks = [one for one in compared if one.changed.any()]
    power = _power(views, compared, noise)
    if noise is None:
        return _blind(views, f"no second run on the same stream: {_why(views, AGAIN)}", power)
    if leaks:
        return _leak(views, max(leaks, key=lambda one: int(one.changed.sum())), power)
    if not compared:
        reasons = "; ".join(sorted({_why(views, name) for name in CHANGED}))
        return _blind(views, f"no changed stream was scored: {reasons}", power)
    missing = [views.blind[name] for name in CHANGED if name in views.blind and name in views.made]
    reason = missing[0] if missing else _lack(views, compared, power)
    if reason:
        return _blind(views, reason, power)
    total = sum(int(one.before.sum()) for one in compared)
    starts = ", ".join(str(one.start) for one in compared)
    learnt = sum(one.learnt for one in compared)
    but = f" but {learnt:,} that had learnt from tokens scored before them" if learnt else ""
    return TestEnd(
        Test.SUFFIX,
        Call.CLEAN,
        f"none of {total:,} losses before the change (at {starts}) differs{but}, a planted leak does",
        total=total,
        line=views.line,
        power=power,
        figures={"starts": [one.start for one in compared]},
    )


def compare(views: Views, name: str, noise: float, learning: Learning) -> Compared:
    """Compare one changed stream with the plain one."""
    run = views.others[name].run
    sides = sides_of(views, name)
    change = views.change(name)
    differ = sides.before & (change > NOISE_FACTOR * noise)
    learnt = may_have_learnt(views.plain, sides.after, learning, run.start)
    changed = differ & (~learnt | _other_than_learnt(views, name))
    positions = views.plain.items.positions[sides.before]
    placed = np.unique(positions[positions >= 0]).size
    unplaced = int((positions < 0).sum())
    after = change[sides.after]
    return Compared(
        name,
        run.start,
        sides.before,
        changed,
        int((differ & ~changed).sum()),
        float(change[changed].max(initial=0.0)),
        float((after > 0).mean()) if after.size else 0.0,
        min(1.0, (placed + unplaced) / max(1, _scored_before(views, run))),
    )


def _other_than_learnt(views: Views, name: str) -> np.ndarray:
    """Return which items nothing learnt can have moved: by the same logits in both runs, or in one alone."""
    one, other = views.plain.items.digests, views.others[name].items.digests
    return np.asarray(((one != 0) & (one == other)) | ((one == 0) != (other == 0)))


def _scored_before(views: Views, run: Run) -> int:
    """Return how many positions before the change there are to score: no document's first token."""
    head = views.plain.run.stream[1 : run.start]
    return int((head != views.plain.run.stream[0]).sum())


def planted_caught(views: Views) -> int | None:
    """Return how many losses before the change our own leak moved; None where it was not planted."""
    if PLANTED not in views.others:
        return None
    start = views.others[PLANTED].run.start
    starts = [views.others[name].run.start for name in CHANGED if name in views.others]
    start = start if start >= 0 else next(iter(starts), -1)
    items = views.plain.items
    before = (items.positions < start) if start >= 0 else np.ones(items.values.size, bool)
    return int((before & (views.change(PLANTED) > NOISE_FACTOR * (noise_of(views) or 0.0))).sum())


def _power(views: Views, compared: list[Compared], noise: float | None) -> dict[str, float]:
    power = {}
    if compared:
        power["later_changed"] = round(min(one.later_changed for one in compared), 4)
        # Little precedes an early change: who leaves out the first window (#122) is judged by the latest one.
        power["covered"] = round(max(compared, key=lambda one: int(one.before.sum())).covered, 4)
    if noise is not None:
        power["noise_nats"] = noise
    caught = planted_caught(views)
    if caught is not None:
        power["planted_caught"] = float(caught)
    return power


def _lack(views: Views, compared: list[Compared], power: dict[str, float]) -> str:
    """Say what is missing for the absence of a difference to mean something; empty for nothing."""
    if power["noise_nats"] > QUIET_NATS:
        return f"two runs on one stream differ by {power['noise_nats']:.3g} nats"
    if power["covered"] < COVERED:
        return f"the items cover {power['covered']:.0%} of the positions before the change"
    if power["later_changed"] < CHANGES:
        return f"only {power['later_changed']:.0%} of the losses behind the change differ"
    if "planted_caught" not in power:
        return f"no leak of ours was planted: {_why(views, PLANTED)}"
    if not power["planted_caught"]:
        return "a leak of ours in the same evaluation was not seen"
    return ""


def _leak(views: Views, worst: Compared, power: dict[str, float]) -> TestEnd:
    count, total = int(worst.changed.sum()), int(worst.before.sum())
    positions = views.plain.items.positions[worst.changed]
    placed = positions[positions >= 0]
    return TestEnd(
        Test.SUFFIX,
        Call.LEAK,
        f"{count:,} of {total:,} losses before position {worst.start} change with the tokens from it on, "
        f"by up to {worst.largest:.3g} nats",
        pattern=pattern_of(views.plain, worst.before, worst.changed, worst.start),
        position=int(placed.min()) if placed.size else -1,
        count=count,
        total=total,
        magnitude=worst.largest,
        line=views.line,
        power=power,
        figures={"run": worst.name, "start": worst.start},
    )


def _why(views: Views, name: str) -> str:
    return views.blind.get(name, f"run {name} was not made")


def _blind(views: Views, reason: str, power: dict[str, float]) -> TestEnd:
    return TestEnd(Test.SUFFIX, Call.BLIND, reason, line=views.line, power=power)
