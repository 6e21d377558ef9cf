"""One pull request's page: each of its folders with verdicts, findings, claims and near-identical company.

Promises that what the page says of a rule comes from the stored outcome, and returns those outcomes as
cases for the pages of the rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent
from typing import TYPE_CHECKING

from audits.outcome import Axis, Outcome, Status
from audits.verdict import AxisCall
from harness.dashboard.links import blob_url, finding_url
from harness.report.comparison import rows_of, runs_of
from harness.report.escape import one_line
from harness.report.record import record_of, sentence_of
from harness.report.review import review_of
from harness.report.sections import (
    RUNS_SHOWN,
    advice,
    axes_worst_first,
    clean_sentence,
    groups_on,
    place_of,
    recognised,
    run_cells,
    sleeping,
)
from harness.smoke.stage import STAGE
from harness.stages import report_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audits.finding import Finding
    from audits.rule import Rule
    from audits.runner import AuditResult
    from harness.dashboard.field import Row, Where
    from harness.report.comparison import Row as ClaimRow
    from harness.report.review import Review
    from harness.report.sections import Group

PLACES_SHOWN = 6
_REASON_CHARS = 300
_CASES = frozenset({Status.FLAGGED, Status.UNCLEAR, Status.CRASHED, Status.DORMANT})


@dataclass(frozen=True, slots=True)
class Place:
    """One place that a finding points at."""

    where: str
    message: str
    """Empty where it would only repeat the reason."""
    url: str
    unpacked: bool
    lines: tuple[tuple[int, str], ...]
    hidden: int
    """Lines of the place that are not quoted."""


@dataclass(frozen=True, slots=True)
class Point:
    """One outcome as the page shows it."""

    group: Group
    reason: str
    places: tuple[Place, ...]
    more: int
    """Places that are not shown."""


@dataclass(frozen=True, slots=True)
class AxisPart:
    """What is said on one axis."""

    axis: str
    call: str
    points: tuple[Point, ...]
    notes: tuple[Point, ...]
    """Outcomes that weigh nothing under the policy."""
    clean: str
    """How many rules looked and found nothing."""


@dataclass(frozen=True, slots=True)
class Folder:
    """Everything the page shows of one audited folder."""

    review: Review
    axes: tuple[AxisPart, ...]
    claims: tuple[ClaimRow, ...]
    statistics: str
    runs: tuple[tuple[str, ...], ...]
    more_runs: int
    legal: tuple[tuple[str, str, str], ...]
    """Recognised legal patterns: name, place, link."""
    dormant: tuple[Outcome, ...]
    advice: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """How one rule ended on one folder, for the page of the rule."""

    rule: str
    where: Where
    status: str
    reason: str
    place: str
    url: str
    patterns: tuple[str, ...]


def folder_of(result: AuditResult, rules: Sequence[Rule], row: Row) -> Folder:
    """Return what the page shows of one audit."""
    stages = (report_of(STAGE, row.smoke),) if row.smoke else ()
    review = review_of(result, rules, notes=row.pull.notes, stages=stages)
    facts = result.facts
    runs = tuple(run_cells(run) for run in runs_of(facts)) if facts else ()
    path, sha = review.submission.path, row.pull.head_sha
    return Folder(
        review=review,
        axes=tuple(_axis(review, Axis(entry.axis), entry.call, sha) for entry in axes_worst_first(review)),
        claims=rows_of(facts, review.policy) if facts else (),
        statistics=sentence_of(record_of(facts, review.policy)),
        runs=runs[:RUNS_SHOWN],
        more_runs=max(0, len(runs) - RUNS_SHOWN),
        legal=tuple(
            (name, place_of(at, review) if at else "", finding_url(at, sha, path) if at else "")
            for name, at in recognised(review)
        ),
        dormant=sleeping(review),
        advice=advice(review),
    )


def cases_of(folder: Folder, row: Row) -> tuple[Case, ...]:
    """Return the outcomes of one folder that a rule's page lists."""
    return tuple(
        _case(outcome, folder, row) for outcome in folder.review.result.outcomes if outcome.status in _CASES
    )


def _case(outcome: Outcome, folder: Folder, row: Row) -> Case:
    first = next((f for f in folder.review.findings if f.rule == outcome.rule and f.path), None)
    return Case(
        rule=outcome.rule,
        where=row.where,
        status=outcome.status.value,
        reason=_reason(outcome, _REASON_CHARS),
        place=f"{first.path}:{first.start_line}" if first and first.start_line else "",
        url=finding_url(first, row.pull.head_sha, folder.review.submission.path) if first else "",
        patterns=outcome.patterns,
    )


def _axis(review: Review, axis: Axis, call: AxisCall, sha: str) -> AxisPart:
    points = [_point(group, review, sha) for group in groups_on(review, axis)]
    return AxisPart(
        axis=axis.value,
        call=call.value,
        points=tuple(point for point in points if point.group.weighs),
        notes=tuple(point for point in points if not point.group.weighs),
        clean=clean_sentence(review, axis) if call is not AxisCall.NOT_APPLICABLE else "",
    )


def _point(group: Group, review: Review, sha: str) -> Point:
    places = [_place(finding, group, review, sha) for finding in group.places]
    told = [place for place in places if place.where or place.message]
    return Point(
        group, _reason(group.outcome, 3000), tuple(told[:PLACES_SHOWN]), max(0, len(told) - PLACES_SHOWN)
    )


def _place(finding: Finding, group: Group, review: Review, sha: str) -> Place:
    first = finding.start_line or 1
    quoted = dedent("\n".join(finding.excerpt)).split("\n") if finding.excerpt else []
    last = max(finding.end_line or first, first)
    return Place(
        where=one_line(place_of(finding, review), 300),
        message="" if finding.message == group.outcome.reason else one_line(finding.message),
        url=finding_url(finding, sha, review.submission.path),
        unpacked=bool(finding.layer),
        lines=tuple(enumerate(quoted, first)),
        hidden=max(0, last - first + 1 - len(finding.excerpt)) if finding.excerpt else 0,
    )


def _reason(outcome: Outcome, limit: int) -> str:
    """Return the reason; of a traceback, the line that tells."""
    lines = outcome.reason.strip().splitlines()
    if outcome.status is Status.CRASHED and lines:
        return one_line(lines[-1], limit)
    return one_line(outcome.reason, limit)


def claim_url(place: str, row: Row) -> str:
    """Return where `path:line` of a folder stands on GitHub."""
    path, _, line = place.rpartition(":")
    if not path or not line.isdigit() or row.entry is None:
        return ""
    return blob_url(row.pull.head_sha, row.entry.path, path, int(line))
