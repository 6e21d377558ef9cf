"""Render reviews as SARIF 2.1.0, for code scanning and editors.

Promises one run with the rules that judged, one result a flagged, unclear, crashed or dormant outcome, and
annotations on lines that exist in the committed file: a finding in an unpacked layer lands on its wrapper's
line and names the unpacked line in its message.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from audits.outcome import Status
from audits.policy import Effect
from harness.report.escape import one_line
from harness.report.review import headline
from harness.report.sections import place_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from audits.finding import Finding
    from audits.rule import Rule
    from harness.report.review import Review

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVEL = {Effect.VIOLATION: "error", Effect.FLAG: "warning", Effect.NOTE: "note"}
_SHOWN = frozenset({Status.FLAGGED, Status.UNCLEAR, Status.CRASHED, Status.DORMANT})
_KIND = {Status.UNCLEAR: "open", Status.CRASHED: "open", Status.DORMANT: "informational"}


def render_sarif(reviews: Sequence[Review], rules: Sequence[Rule], version: str) -> str:
    """Return all reviews as one SARIF log."""
    index = {rule.id: number for number, rule in enumerate(rules)}
    driver = {
        "name": "Referee",
        "semanticVersion": version,
        "rules": [_rule(rule) for rule in rules],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(reviews)],
        "results": [result for review in reviews for result in _results(review, index)],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(rule: Rule) -> dict[str, Any]:
    """Return one rule of the driver."""
    return {
        "id": rule.id,
        "name": type(rule).__name__,
        "shortDescription": {"text": headline(rule)},
        "fullDescription": {"text": " ".join((type(rule).__doc__ or rule.id).split())},
        "properties": {"tags": [rule.axis.value, rule.condition.value]},
    }


def _invocation(reviews: Sequence[Review]) -> dict[str, Any]:
    """Return whether our own code ran through, with what crashed."""
    crashes = [
        (review, outcome)
        for review in reviews
        for outcome in review.result.outcomes
        if outcome.status is Status.CRASHED
    ]
    notes = [
        {
            "level": "error",
            "message": {"text": one_line(f"{outcome.rule}: {outcome.reason}")},
            "associatedRule": {"id": outcome.rule},
        }
        for _, outcome in crashes
    ]
    return {"executionSuccessful": not crashes, "toolExecutionNotifications": notes}


def _results(review: Review, index: dict[str, int]) -> Iterator[dict[str, Any]]:
    """Yield one result an outcome that a reader should see; its further places are related locations."""
    for outcome in review.result.outcomes:
        if outcome.status in _SHOWN:
            places = [finding for finding in review.findings if finding.rule == outcome.rule]
            first, *others = sorted(places, key=lambda place: place.outcome is not outcome.status)
            yield _result(first, others, review, index)


def _result(
    finding: Finding, others: Sequence[Finding], review: Review, index: dict[str, int]
) -> dict[str, Any]:
    """Return one outcome as a SARIF result at its first place."""
    outcome = review.outcome(finding.rule)
    kind = _KIND.get(outcome.status, "fail")
    related = [
        {**_location(other, review), "id": number, "message": {"text": _message(other, review)}}
        for number, other in enumerate(others, 1)
    ]
    return {
        "ruleId": finding.rule,
        **({"ruleIndex": index[finding.rule]} if finding.rule in index else {}),
        "kind": kind,
        "level": _LEVEL[finding.effect] if kind == "fail" else "none",
        "message": {"text": _headline(finding, outcome.reason, review)},
        "locations": [_location(finding, review)],
        **({"relatedLocations": related} if related else {}),
        "partialFingerprints": {"referee/v1": _fingerprint(finding, review)},
        "properties": {
            "axis": finding.axis.value,
            "condition": finding.condition.value,
            "outcome": outcome.status.value,
            "severity": finding.severity.value,
            "confidence": outcome.confidence,
            "layer": finding.layer,
            "verdict": review.verdict.overall.value,
            "policy": review.policy.name,
        },
    }


def _headline(finding: Finding, reason: str, review: Review) -> str:
    """Return the reason of an outcome with what its first place adds."""
    added = "" if finding.message == reason else finding.message
    where = f" [{one_line(place_of(finding, review), 300)}]" if finding.layer else ""
    return f"{one_line(f'{reason}. {added}' if added else reason) or finding.rule}{where}"


def _message(finding: Finding, review: Review) -> str:
    """Return the message, with the unpacked line where the place is in a layer."""
    text = one_line(finding.message) or finding.rule
    return f"{text} [{one_line(place_of(finding, review), 300)}]" if finding.layer else text


def _location(finding: Finding, review: Review) -> dict[str, Any]:
    """Return the place in the committed file, or the folder when there is none."""
    path = finding.path or review.submission.main_script or ""
    artifact = {"uri": file_uri(review, path)}
    if finding.path is None or finding.annotated_line is None:
        return {"physicalLocation": {"artifactLocation": artifact, "region": {"startLine": 1}}}
    last = finding.end_line if not finding.layer and finding.end_line else finding.annotated_line
    region = {"startLine": finding.annotated_line, "endLine": max(last, finding.annotated_line)}
    return {"physicalLocation": {"artifactLocation": artifact, "region": region}}


def file_uri(review: Review, path: str) -> str:
    """Return a file of the folder as a relative URI from the repository's root, where that is known."""
    folder = review.submission.path.replace("\\", "/").rstrip("/")
    parts = folder.split("/")
    if "records" in parts:
        folder = "/".join(parts[parts.index("records") :])
    name = path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    whole = f"{folder}/{name}" if name and folder else name or folder
    return quote(whole.encode("utf-8", "replace"), safe="/")


def _fingerprint(finding: Finding, review: Review) -> str:
    """Return a digest that survives shifted lines: rule, file, layer and the quoted text."""
    parts = (finding.rule, review.submission.folder, finding.path or "", str(finding.layer), *finding.excerpt)
    body = "\0".join(parts) if finding.excerpt else "\0".join((*parts, finding.message))
    return hashlib.sha256(body.encode("utf-8", "replace")).hexdigest()[:32]
