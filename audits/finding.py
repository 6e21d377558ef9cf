"""Outcomes flattened for output: one finding a place, with the lines it quotes.

Promises that every flagged, dormant, unclear or crashed outcome yields at least one finding, with or
without a place, and that lines are quoted from the layer in which they were seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audits.outcome import Axis, Condition, Evidence, Outcome, Severity, Status
from audits.policy import Effect, Policy
from audits.source_lines import SourceLines

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from audits.rule import Rule
    from audits.runner import AuditResult

EXCERPT_LINES = 12
_SEVERITIES = tuple(Severity)
_SILENT = frozenset({Status.CLEAN, Status.NOT_APPLICABLE})


@dataclass(frozen=True, slots=True)
class Finding:
    """One place that an outcome points at, ready to be shown."""

    rule: str
    axis: Axis
    condition: Condition
    outcome: Status
    severity: Severity
    confidence: float
    path: str | None
    """Relative to the record folder; None when the finding has no place."""
    layer: int
    start_line: int | None
    end_line: int | None
    message: str
    source: str
    """On whose word the rule rests: `README (0hq, 2026-03-20); #1017 (...)`."""
    effect: Effect
    """What it weighs under the policy of the report."""
    annotated_line: int | None
    """Line of the committed file to annotate: the wrapper's own for an unpacked layer."""
    excerpt: tuple[str, ...] = ()
    """The quoted lines, from `start_line` on, each cut to a readable length."""
    pattern: str | None = None
    primary: bool = True
    """Whether this is the first place of its outcome."""


def findings_of(result: AuditResult, rules: Iterable[Rule], policy: Policy) -> tuple[Finding, ...]:
    """Return every finding of `result`, in rulebook order, as `policy` weighs them."""
    sources = {rule.id: _sources_of(rule) for rule in rules}
    lines = SourceLines(result)
    found = (_of_outcome(outcome, policy, sources, lines) for outcome in result.outcomes)
    return tuple(finding for group in found for finding in group)


def _of_outcome(
    outcome: Outcome, policy: Policy, sources: Mapping[str, str], lines: SourceLines
) -> tuple[Finding, ...]:
    """Return the findings of one outcome."""
    if outcome.status is Status.NOT_APPLICABLE or (outcome.status in _SILENT and not outcome.evidence):
        return ()
    places = outcome.evidence or (Evidence(None, outcome.reason, outcome.status, outcome.severity),)
    source = sources.get(outcome.rule, "")
    return tuple(
        _of_place(outcome, place, policy, source, lines, primary=index == 0)
        for index, place in enumerate(places)
    )


def _of_place(
    outcome: Outcome, place: Evidence, policy: Policy, source: str, lines: SourceLines, *, primary: bool
) -> Finding:
    """Return the finding that one piece of evidence makes."""
    status = place.status if outcome.status is Status.FLAGGED else outcome.status
    severity = _severity(outcome, place, status)
    where = place.location
    return Finding(
        rule=outcome.rule,
        axis=outcome.axis,
        condition=outcome.condition,
        outcome=status,
        severity=severity,
        confidence=min(outcome.confidence, place.confidence),
        path=where.path if where else None,
        layer=where.layer if where else 0,
        start_line=where.start_line if where else None,
        end_line=where.end_line if where else None,
        message=place.message,
        source=source,
        effect=_effect(outcome, severity, status, policy),
        annotated_line=lines.annotated_line(where) if where else None,
        excerpt=lines.excerpt(where, EXCERPT_LINES) if where else (),
        pattern=place.pattern or (outcome.patterns[0] if outcome.patterns else None),
        primary=primary,
    )


def _severity(outcome: Outcome, place: Evidence, status: Status) -> Severity:
    """Return the milder of the outcome's and the place's severity; what is not flagged is a note."""
    if status is not Status.FLAGGED:
        return Severity.NOTE
    return max(outcome.severity, place.severity, key=_SEVERITIES.index)


def _effect(outcome: Outcome, severity: Severity, status: Status, policy: Policy) -> Effect:
    """Return what a place weighs: never more than its outcome, and a note when it is not flagged."""
    if status is not Status.FLAGGED:
        return Effect.NOTE
    effects = list(Effect)
    weight = policy.reading(outcome).effect
    if weight is Effect.VIOLATION and outcome.confidence < policy.min_confidence:
        weight = Effect.FLAG
    if severity is outcome.severity:
        return weight
    return max(weight, policy.severities[severity], key=effects.index)


def _sources_of(rule: Rule) -> str:
    """Return on whose word `rule` rests."""
    return "; ".join(f"{entry.what} ({entry.who}, {entry.date})" for entry in rule.sources)
