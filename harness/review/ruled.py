"""Apply rulings to outcomes. The verdict function then decides as ever; a ruling is evidence of a decision.

Promises that what the tool had said stays beside the ruling, and that a ruling never hides a crash of ours.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from audits.outcome import Outcome, Severity, Status
from harness.report.view_model import RulingModel

if TYPE_CHECKING:
    import datetime
    from collections.abc import Sequence

    from audits.submission import Submission
    from harness.review.rulings import Ruling

_OPEN = frozenset({Status.FLAGGED, Status.UNCLEAR})


@dataclass(frozen=True, slots=True)
class Ruled:
    """Outcomes after the rulings, and what became of each ruling."""

    outcomes: tuple[Outcome, ...]
    rulings: tuple[RulingModel, ...]


def apply(
    rulings: Sequence[Ruling], outcomes: Sequence[Outcome], submission: Submission, today: datetime.date
) -> Ruled:
    """Return the outcomes as ruled on; a ruling on another folder is left out."""
    known = {outcome.rule: outcome for outcome in outcomes}
    told = []
    for ruling in rulings:
        if ruling.folder not in ("", submission.folder):
            continue
        before = known.get(ruling.rule)
        if before is None:
            told.append(_model(ruling, "its stage did not say anything of this kind", applied=False))
            continue
        lapsed = ruling.lapsed(submission.origin.head_sha, today)
        after = before if lapsed else _outcome(before, ruling)
        known[ruling.rule] = after
        note = lapsed or _why_not(before) if after is before else f"{before.status.value}: {before.reason}"
        told.append(_model(ruling, note, applied=after is not before))
    return Ruled(tuple(known.values()), tuple(told))


def _outcome(before: Outcome, ruling: Ruling) -> Outcome:
    """Return one outcome as ruled; the same when the ruling changes nothing."""
    reason = f"ruled {ruling.decision} by {ruling.who} on {ruling.date.isoformat()}: {ruling.why}"
    if before.status is Status.CRASHED or (ruling.decision == "legal" and before.status not in _OPEN):
        return before
    if ruling.decision == "legal":
        return replace(before, status=Status.CLEAN, reason=reason, evidence=(), confidence=1.0, dispute=None)
    return replace(
        before,
        status=Status.FLAGGED,
        reason=reason,
        severity=Severity.VIOLATION,
        confidence=1.0,
        dispute=None,
        evidence=tuple(
            replace(place, status=Status.FLAGGED, severity=Severity.VIOLATION) for place in before.evidence
        ),
    )


def _why_not(before: Outcome) -> str:
    """Return why a ruling that holds changes nothing."""
    if before.status is Status.CRASHED:
        return "Referee failed on this rule; a ruling cannot repair that"
    return f"nothing to rule on: the rule ended {before.status.value}"


def _model(ruling: Ruling, note: str, *, applied: bool) -> RulingModel:
    """Return a ruling as reports show it."""
    from harness.report.escape import visible

    return RulingModel(
        rule=ruling.rule,
        decision=ruling.decision,  # type: ignore[arg-type]  # checked when it was read
        who=visible(ruling.who),
        why=visible(ruling.why),
        link=visible(ruling.link),
        date=ruling.date.isoformat(),
        expires=ruling.expires.isoformat(),
        applied=applied,
        note=visible(note[:5000]),
    )
