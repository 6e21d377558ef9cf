"""From outcomes to a verdict. One function decides, whatever stage an outcome came from.

Promises: no outcome is a pass by absence. An axis is CLEAN only when a rule on it ended `clean`,
so saw the code and judged it; a crash or an `unclear` is at least UNCLEAR, unless its rule yields to a
measurement that ended clean; only a confident flag is ILLEGAL or VIOLATION.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from audits.outcome import Axis, Outcome, Status
from audits.policy import Effect, Policy

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterable, Sequence


class AxisCall(StrEnum):
    """What a verdict says on one axis."""

    ILLEGAL = "ILLEGAL"
    VIOLATION = "VIOLATION"
    FLAG = "FLAG"
    UNCLEAR = "UNCLEAR"
    CLEAN = "CLEAN"
    NOT_APPLICABLE = "NOT_APPLICABLE"


class Overall(StrEnum):
    """The verdict on the whole submission, worst first."""

    ILLEGAL = "ILLEGAL"
    VIOLATION = "VIOLATION"
    FLAG = "FLAG"
    UNCLEAR = "UNCLEAR"
    NEEDS_AUTHOR_ACTION = "NEEDS_AUTHOR_ACTION"
    CLEAN = "CLEAN"


AUTHOR_AXES = frozenset({Axis.PACKAGE, Axis.CLAIMS, Axis.RECORD})
"""Axes on which the author can put things right without touching the method."""

_WORST_FIRST = tuple(AxisCall)
_OVERALL_WORST_FIRST = tuple(Overall)


@dataclass(frozen=True, slots=True)
class AxisVerdict:
    """The verdict on one axis, with the rules that decided it."""

    axis: Axis
    call: AxisCall
    deciding: tuple[str, ...]
    """Ids of the rules whose outcomes are as bad as the call; for CLEAN, those that ended clean."""
    notes: tuple[str, ...] = ()
    """Ids of flagged rules that this policy only takes note of."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One verdict under one policy."""

    policy: str
    edition: datetime.date
    overall: Overall
    axes: tuple[AxisVerdict, ...]
    deciding: tuple[str, ...]
    """Ids of the rules that made the overall verdict what it is; empty when CLEAN."""

    def axis(self, axis: Axis) -> AxisVerdict:
        """Return the verdict on `axis`."""
        return next(entry for entry in self.axes if entry.axis is axis)


def decide(outcomes: Iterable[Outcome], policy: Policy) -> Verdict:
    """Return the verdict on `outcomes` under `policy`."""
    known = tuple(outcomes)
    axes = tuple(_judge_axis(axis, [o for o in known if o.axis is axis], policy) for axis in Axis)
    calls = [_weigh(entry, known) for entry in axes]
    worst = min((call for call, _ in calls), key=_OVERALL_WORST_FIRST.index)
    deciding = tuple(rule for call, rules in calls if call is worst for rule in rules)
    return Verdict(policy.name, policy.edition, worst, axes, () if worst is Overall.CLEAN else deciding)


def call_of(outcome: Outcome, policy: Policy) -> AxisCall | None:
    """Return what one outcome says on its axis, None when it says nothing there."""
    match outcome.status:
        case Status.CLEAN:
            return AxisCall.CLEAN
        case Status.UNCLEAR | Status.CRASHED:
            return AxisCall.UNCLEAR
        case Status.DORMANT | Status.NOT_APPLICABLE:
            return None
        case Status.FLAGGED:
            return _call_of_flag(outcome, policy)


def overall_of(entry: AxisVerdict) -> Overall:
    """Return what one axis verdict means for the whole submission."""
    if entry.call in (AxisCall.CLEAN, AxisCall.NOT_APPLICABLE):
        return Overall.CLEAN
    if entry.axis in AUTHOR_AXES:
        return Overall.NEEDS_AUTHOR_ACTION
    return Overall(entry.call.value)


def _weigh(entry: AxisVerdict, known: Sequence[Outcome]) -> tuple[Overall, tuple[str, ...]]:
    """Return what an axis means for the whole, with the rules behind it.

    A crash is ours, not the author's: no finding beside it may turn it into a task for the author.
    """
    crashed = tuple(o.rule for o in known if o.axis is entry.axis and o.status is Status.CRASHED)
    if crashed and entry.axis in AUTHOR_AXES:
        return Overall.UNCLEAR, crashed
    return overall_of(entry), entry.deciding


def _call_of_flag(outcome: Outcome, policy: Policy) -> AxisCall:
    """Return the weight of a flagged outcome; a note leaves proof that the rule saw the code."""
    effect = policy.reading(outcome).effect
    if effect is Effect.NOTE:
        return AxisCall.CLEAN
    if effect is Effect.FLAG or outcome.confidence < policy.min_confidence:
        return AxisCall.FLAG
    return AxisCall.ILLEGAL if outcome.axis is Axis.LEGALITY else AxisCall.VIOLATION


def _judge_axis(axis: Axis, outcomes: Sequence[Outcome], policy: Policy) -> AxisVerdict:
    """Return the worst call on one axis and who made it."""
    measured = frozenset(outcome.rule for outcome in outcomes if outcome.status is Status.CLEAN)
    calls = [
        (call, outcome)
        for outcome in outcomes
        if (call := call_of(outcome, policy)) is not None and not _is_answered(outcome, call, measured)
    ]
    notes = tuple(o.rule for call, o in calls if o.status is Status.FLAGGED and call is AxisCall.CLEAN)
    if not calls:
        return AxisVerdict(axis, _when_nothing_was_judged(axis, outcomes), ())
    worst = min((call for call, _ in calls), key=_WORST_FIRST.index)
    return AxisVerdict(axis, worst, tuple(outcome.rule for call, outcome in calls if call is worst), notes)


def _is_answered(outcome: Outcome, call: AxisCall, measured: frozenset[str]) -> bool:
    """Tell whether a measurement ended clean that answers what an outcome left open."""
    is_open = outcome.status is Status.UNCLEAR or call is AxisCall.FLAG
    return is_open and not measured.isdisjoint(outcome.yields_to)


def _when_nothing_was_judged(axis: Axis, outcomes: Sequence[Outcome]) -> AxisCall:
    """Return the call on an axis without a judgement. Legality that nobody saw is never waved through."""
    dormant = any(outcome.status is Status.DORMANT for outcome in outcomes)
    return AxisCall.UNCLEAR if dormant or axis is Axis.LEGALITY else AxisCall.NOT_APPLICABLE
