"""What a smoke run says on the axes of a verdict.

A submission that does not run from its own folder is incomplete: FLAG on package, never more, because a CPU
and a shim stand between it and its GPU. One that tries to leave the box is for a person to look at. What we
lack ourselves says nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.location import Location
from audits.outcome import Axis, Condition, Evidence, Outcome, Severity, Status
from containers.smoke_result import FAULTS, Label, summary

if TYPE_CHECKING:
    from containers.smoke_result import SmokeResult

RULE = "smoke"
ESCAPE_RULE = "smoke-escape"
CONFIDENCE = 0.5
"""Below what any policy needs for a violation: a smoke run flags."""


def outcomes_of(result: SmokeResult) -> tuple[Outcome, ...]:
    """Return the outcome of the run, and one on legality where it tried to leave the box."""
    if result.label is Label.ESCAPE_ATTEMPT:
        return (_package(result, Status.UNCLEAR, result.reason), _escape(result))
    if result.label is Label.PASS:
        return (_package(result, Status.CLEAN, f"its own code ran to the end: {summary(result)}"),)
    if result.label in FAULTS:
        return (_package(result, Status.FLAGGED, _fault(result)),)
    if result.label in (Label.TIMEOUT, Label.RESOURCE):
        # A box of ours has less of everything than eight GPUs: shown, and weighing nothing.
        return (_package(result, Status.FLAGGED, f"{result.label}: {result.reason}", Severity.NOTE),)
    return (_package(result, Status.NOT_APPLICABLE, f"{result.label}, not the author's: {result.reason}"),)


def _package(
    result: SmokeResult, status: Status, reason: str, severity: Severity = Severity.VIOLATION
) -> Outcome:
    evidence = _evidence(result, severity) if status is Status.FLAGGED else ()
    return Outcome(
        RULE, Axis.PACKAGE, Condition.PACKAGE, status, reason, evidence, severity, _confidence(status)
    )


def _confidence(status: Status) -> float:
    return CONFIDENCE if status is Status.FLAGGED else 1.0


def _fault(result: SmokeResult) -> str:
    """Return what does not run, the missing module by name."""
    error = result.error
    if error is not None and error.missing_module:
        return f"it imports {error.missing_module}, which the folder does not hold"
    return f"its own code does not run ({result.label}): {result.reason}"


def _escape(result: SmokeResult) -> Outcome:
    return Outcome(
        ESCAPE_RULE,
        Axis.LEGALITY,
        Condition.DATA,
        Status.FLAGGED,
        f"run in a box, it tried what no submission needs: {result.reason}",
        _evidence(result, Severity.VIOLATION),
        confidence=CONFIDENCE,
    )


def _evidence(result: SmokeResult, severity: Severity) -> tuple[Evidence, ...]:
    """Return the submission's own line, where the error has one."""
    error = result.error
    if error is None or not error.path or not error.line or error.path.startswith(("/", "<")):
        return ()
    where = Location(error.path, error.line, error.line, error.layer)
    return (
        Evidence(where, f"{error.kind}: {error.message}"[:500], severity=severity, confidence=CONFIDENCE),
    )
