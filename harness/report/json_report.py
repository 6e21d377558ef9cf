"""Render reviews as the published JSON. Strings are plain data; whoever shows them escapes them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from harness.report.comparison import rows_of
from harness.report.escape import visible
from harness.report.record import record_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audits.finding import Finding
    from audits.policy import Policy
    from harness.report.review import Review


def render_json(reviews: Sequence[Review], policy: Policy, rulebook: str) -> str:
    """Return the report file as indented JSON, validated against its own model."""
    from harness.report.model import SCHEMA_ID, ReportFile

    document = {
        "schema": SCHEMA_ID,
        "policy": policy.name,
        "policy_edition": policy.edition.isoformat(),
        "rulebook": rulebook,
        "reports": [report_of(review) for review in reviews],
    }
    return ReportFile.model_validate(document).model_dump_json(by_alias=True, indent=2) + "\n"


def report_of(review: Review) -> dict[str, Any]:
    """Return one report as plain data."""
    facts = review.result.facts
    return {
        "submission": _submission(review),
        "verdict": review.verdict.overall.value,
        "axes": {entry.axis.value: entry.call.value for entry in review.verdict.axes},
        "deciding": list(review.verdict.deciding),
        "patterns": list(review.patterns),
        "dormant": list(review.dormant),
        "findings": [_finding(finding) for finding in review.findings],
        "outcomes": {entry.rule: entry.status.value for entry in review.result.outcomes},
        "reasons": {entry.rule: _text(entry.reason) for entry in review.result.outcomes},
        "record": _record(review),
        "claims": [_row(row) for row in rows_of(facts, review.policy)] if facts else [],
        "policies": {verdict.policy: verdict.overall.value for verdict in review.policies},
        "notes": [_text(note) for note in review.notes],
        "stages": {report.name: report.as_json() for report in review.stages},
        "timings_ms": review.result.timings_ms,
    }


def _submission(review: Review) -> dict[str, Any]:
    """Return the block that says what was audited."""
    submission, facts = review.submission, review.result.facts
    code = facts.artifact.code if facts else None
    return {
        "path": _text(submission.path),
        "pr": submission.origin.pr,
        "head_sha": submission.origin.head_sha,
        "track": _optional(submission.track),
        "folder": _text(submission.folder),
        "main_script": _optional(submission.main_script),
        "code_bytes": {
            reading: getattr(code, reading) if code else None for reading in ("strict", "readme", "practice")
        },
    }


def _record(review: Review) -> dict[str, Any] | None:
    """Return the record block as plain data."""
    block = record_of(review.result.facts, review.policy)
    if block is None:
        return None
    known = block.facts
    names = [name for name in type(known).__slots__ if name != "seeds"]
    return {
        **{name: _finite(getattr(known, name)) for name in names},
        "seeds": [{"seed": seed, "val_bpb": score} for seed, score in known.seeds],
        "claims_record": block.claims_record,
        "significance": block.significance,
        "p_written": block.p_written,
        "p_practised": block.p_practised,
    }


def _finite(value: object) -> object:
    """Return a number that JSON can hold; what is not finite is unknown."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _finding(finding: Finding) -> dict[str, Any]:
    """Return one finding as plain data."""
    return {
        "rule": finding.rule,
        "axis": finding.axis.value,
        "condition": finding.condition.value,
        "outcome": finding.outcome.value,
        "severity": finding.severity.value,
        "confidence": finding.confidence,
        "path": _optional(finding.path),
        "layer": finding.layer,
        "start_line": finding.start_line,
        "end_line": finding.end_line,
        "message": _text(finding.message),
        "source": finding.source,
        "effect": finding.effect.value,
        "pattern": finding.pattern,
        "annotated_line": finding.annotated_line,
        "excerpt": [_text(line) for line in finding.excerpt],
    }


def _row(row: Any) -> dict[str, str]:
    """Return one comparison row as plain data."""
    return {name: _text(getattr(row, name)) for name in type(row).__slots__}


def _text(text: str) -> str:
    """Return text without lone surrogates and control characters, which JSON readers stumble over."""
    return visible(text)


def _optional(text: str | None) -> str | None:
    """Return text as `_text` does, and None as it is."""
    return None if text is None else _text(text)
