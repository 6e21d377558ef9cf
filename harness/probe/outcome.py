"""What a probe says on the axes of a verdict.

A leak on the headline is ILLEGAL whatever the rules thought: its outcome is a confident violation, unless a
disputed pattern explains it, and then the policy weighs the dispute. CLEAN answers the rules that yield to a
probe only where every test saw. BLIND and UNCLEAR say nothing against; tampering is for a person to look at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.location import Location
from audits.outcome import Axis, Condition, Evidence, Outcome, Severity, Status
from containers.probe_result import ProbeVerdict, summary

if TYPE_CHECKING:
    from containers.probe_result import ProbeResult, ProbeTest

RULE = "probe"
TAMPERING_RULE = "probe-tampering"
BOUNDARY_RULE = "probe-document-boundary"
CONFIDENCE = 0.95
"""Of a difference that was measured, at tiny scale."""
DOUBT = 0.5
"""Below what any policy needs for a violation."""


def outcomes_of(result: ProbeResult) -> tuple[Outcome, ...]:
    """Return the outcome of the probe, one for each leak, for tampering and for document boundaries."""
    found = [_leak(test) for test in result.leaks] if result.verdict is ProbeVerdict.LEAK else []
    if not found:
        found = [_quiet(result)]
    if result.tampering:
        found.append(_tampering(result))
    if result.boundary is not None:
        found.append(_boundary(result.boundary))
    return tuple(found)


def _leak(test: ProbeTest) -> Outcome:
    """Return a violation with the line at which the values enter the sum."""
    reason = f"measured: {test.reason}"
    # Bytes that are counted wrongly make another number, and no prediction illegal.
    axis = Axis.METRIC if test.condition == Condition.BPB else Axis.LEGALITY
    return Outcome(
        rule=f"{RULE}-{test.test}",
        axis=axis,
        condition=Condition(test.condition),
        status=Status.FLAGGED,
        reason=reason,
        evidence=_evidence(test, Severity.DISPUTED if test.dispute else Severity.VIOLATION, CONFIDENCE),
        severity=Severity.DISPUTED if test.dispute else Severity.VIOLATION,
        confidence=CONFIDENCE,
        dispute=test.dispute or None,
    )


def _quiet(result: ProbeResult) -> Outcome:
    """Return what a probe without a leak says: CLEAN where every test saw, else nothing."""
    if result.all_clean:
        return Outcome(RULE, Axis.LEGALITY, Condition.C1, Status.CLEAN, f"measured: {result.reason}")
    return Outcome(RULE, Axis.LEGALITY, Condition.C1, Status.NOT_APPLICABLE, summary(result))


def _tampering(result: ProbeResult) -> Outcome:
    return Outcome(
        TAMPERING_RULE,
        Axis.LEGALITY,
        Condition.DATA,
        Status.FLAGGED,
        f"run in a box, it did what no submission needs: {result.tampering}",
        confidence=DOUBT,
    )


def _boundary(test: ProbeTest) -> Outcome:
    """Return a finding of its own: across a document's start, which no rule forbids by itself."""
    return Outcome(
        BOUNDARY_RULE,
        Axis.LEGALITY,
        Condition.C1,
        Status.FLAGGED,
        f"measured: {test.reason}",
        _evidence(test, Severity.NOTE, DOUBT),
        Severity.NOTE,
        DOUBT,
    )


def _evidence(test: ProbeTest, severity: Severity, confidence: float) -> tuple[Evidence, ...]:
    """Return the submission's own line, where the watch knows it."""
    path, _, number = test.line.rpartition(":")
    if not path or path.startswith(("/", "<")) or not (number.isascii() and number.isdigit()):
        return ()
    line = int(number[:9])
    message = f"the scores of the {test.test} test enter the sum here"
    return (Evidence(Location(path, line, line), message, severity=severity, confidence=confidence),)
