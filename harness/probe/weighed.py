"""Lay what was measured beside what static analysis says: disputes that explain a leak, and disagreements.

Promises that neither side is changed by the other here: a dispute is named, a disagreement is told with both
sides, and the one verdict function weighs what comes of it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from audits.outcome import Axis, Severity, Status
from containers.probe_result import Call, ProbeVerdict, TestName

if TYPE_CHECKING:
    from collections.abc import Iterable

    from audits.outcome import Outcome
    from containers.probe_result import ProbeResult, ProbeTest

_LOCAL = ("window", "batch", "chunk")
_EXPLAINS: dict[str, dict[TestName, tuple[str, ...]]] = {
    # A delta or bias fitted in a window and shared by a batch moves the scores of that window or batch.
    "context-only-slot": {TestName.SUFFIX: _LOCAL},
    "etlb": {TestName.SUFFIX: _LOCAL, TestName.SELF_TARGET: ()},
    # A choice by validation score hangs on all of it, and what is chosen is what is packed.
    "checkpoint-chosen-on-val": {TestName.SUFFIX: (), TestName.ARTIFACT: ()},
    "hyperparameters-chosen-on-val": {TestName.SUFFIX: (), TestName.ARTIFACT: ()},
    "frozen-train-ngram": {TestName.NORMALISATION: ()},
    "calib-on-train-at-eval": {TestName.RELOAD: ()},
    "ttt-warmup-on-val": {TestName.UPDATE_ORDER: ()},
}
"""By dispute, the tests whose leaks it explains, and the patterns it explains there (all when empty)."""


def weighed(result: ProbeResult, outcomes: Iterable[Outcome]) -> ProbeResult:
    """Return the result with the disputes that explain its leaks and what static rules say otherwise."""
    rules = [entry for entry in outcomes if entry.axis is Axis.LEGALITY]
    disputes = [entry.dispute for entry in rules if entry.status is Status.FLAGGED and entry.dispute]
    phases = tuple(
        replace(phase, tests=tuple(_explained(test, disputes) for test in phase.tests))
        for phase in result.phases
    )
    whole = tuple(_explained(test, disputes) for test in result.whole)
    result = replace(result, phases=phases, whole=whole)
    return replace(result, disagreement=_disagreement(result, rules))


def _explained(test: ProbeTest, disputes: list[str]) -> ProbeTest:
    """Return a test with the first dispute that explains its leak."""
    if test.call is not Call.LEAK:
        return test
    return replace(test, dispute=next((name for name in disputes if _explains(name, test)), ""))


def _explains(dispute: str, test: ProbeTest) -> bool:
    patterns = _EXPLAINS.get(dispute, {}).get(test.test)
    return patterns is not None and (not patterns or test.pattern in patterns)


def _disagreement(result: ProbeResult, rules: list[Outcome]) -> str:
    """Return both sides where measurement and static analysis differ, else an empty string."""
    accused = [
        entry for entry in rules if entry.status is Status.FLAGGED and entry.severity is Severity.VIOLATION
    ]
    if result.verdict is ProbeVerdict.LEAK and not accused:
        seen = [entry for entry in rules if entry.status is Status.CLEAN]
        theirs = f"{seen[0].rule}: {seen[0].reason}" if seen else "no rule flags it"
        return f"measured: {result.reason} | static: {theirs}"[:1000]
    if result.verdict is ProbeVerdict.CLEAN and accused:
        return f"measured: {result.reason} | static: {accused[0].rule}: {accused[0].reason}"[:1000]
    return ""
