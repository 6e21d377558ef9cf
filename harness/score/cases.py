"""One disagreement between a label and a verdict, with both sides' reasons."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from harness.score.answers import NOT_AUDITED
from harness.score.documented import documented
from harness.score.places import Reason, pattern_reasons, reasons_on

if TYPE_CHECKING:
    from harness.score.answers import Answer
    from harness.score.labels import GoldLabel
    from harness.sweep.reader import Reader

BREACHES = ("ILLEGAL", "VIOLATION")


class Kind(StrEnum):
    """How a verdict differs from a label, worst first."""

    FALSE_ALARM = "false alarm"
    """CLEAN, called ILLEGAL (VIOLATION off legality)."""
    MISSED_ALARM = "missed alarm"
    """ILLEGAL or VIOLATION, called CLEAN or UNCLEAR."""
    NOT_AUDITED = "not audited"
    """The sweep has no verdict there; counts as a miss whatever the label."""
    SOFT_ALARM = "soft alarm"
    """CLEAN, called FLAG."""
    NOT_OUTRIGHT = "not outright"
    """ILLEGAL or VIOLATION, called FLAG."""
    UNANSWERED = "unanswered"
    """CLEAN, called UNCLEAR."""
    DISPUTE_DECIDED = "dispute decided"
    """FLAG, called CLEAN or ILLEGAL."""


@documented
@dataclass(frozen=True, slots=True)
class Case:
    """One label that the verdict does not meet."""

    pr: int
    folder: str
    round: int
    subject: str
    """An axis, or `pattern/NAME`."""
    kind: str
    """See `Kind`; for patterns `false alarm` or `missed alarm`."""
    label: str
    call: str
    missing: str
    """Why there is no verdict, else empty."""
    moved: bool
    """The label was given to another head than the one that was swept."""
    head_sha: str
    reasons: tuple[Reason, ...]
    """Our side."""
    label_lines: str
    """The label's side: lines of the patterns concerned."""
    why: str
    """The label's reason."""
    confidence: float
    contested: str
    """Reason of the correction that this label has, else empty."""


def meets(label: str, call: str) -> bool:
    """Tell whether a call agrees with a label that is not UNCLEAR. FLAG is met by FLAG or UNCLEAR."""
    return call in ("FLAG", "UNCLEAR") if label == "FLAG" else call == label


def kind_of(label: str, call: str) -> Kind:
    """Return how a call that does not meet its label differs from it."""
    if call == NOT_AUDITED:
        return Kind.NOT_AUDITED
    if label == "FLAG":
        return Kind.DISPUTE_DECIDED
    if label in BREACHES:
        return Kind.NOT_OUTRIGHT if call == "FLAG" else Kind.MISSED_ALARM
    if call in BREACHES:
        return Kind.FALSE_ALARM
    return Kind.SOFT_ALARM if call == "FLAG" else Kind.UNANSWERED


def axis_case(store: Reader, label: GoldLabel, answer: Answer, axis: str, contested: str) -> Case:
    """Return the disagreement on one axis."""
    judged = answer.deciding(axis)
    reasons = reasons_on(store, judged, axis, answer.policy) if judged is not None else ()
    wanted, call = label.axes.on(axis), answer.call(axis)
    lines = "; ".join(f"{p.name} {p.lines}" for p in label.patterns if p.lines and p.reachable)
    return _case(label, answer, axis, kind_of(wanted, call), wanted, call, reasons, lines, contested)


def pattern_case(store: Reader, label: GoldLabel, answer: Answer, name: str, contested: str) -> Case:
    """Return the disagreement on one pattern: seen by one side only."""
    ours = name in answer.patterns
    reasons = tuple(r for item in answer.judged for r in pattern_reasons(store, item, name)) if ours else ()
    seen = [p for p in label.patterns if p.name == name]
    lines = "; ".join(p.lines + ("" if p.reachable else " (not reachable)") for p in seen if p.lines)
    missing = not ours and bool(answer.missing)
    kind = Kind.FALSE_ALARM if ours else Kind.NOT_AUDITED if missing else Kind.MISSED_ALARM
    wanted = "absent" if ours else "present"
    call = "present" if ours else NOT_AUDITED if missing else "absent"
    note = " ".join(p.note for p in seen if p.note) or label.why
    return _case(label, answer, f"pattern/{name}", kind, wanted, call, reasons, lines, contested, note)


def _case(
    label: GoldLabel,
    answer: Answer,
    subject: str,
    kind: Kind,
    wanted: str,
    call: str,
    reasons: tuple[Reason, ...],
    lines: str,
    contested: str,
    why: str | None = None,
) -> Case:
    return Case(
        pr=label.pr,
        folder=label.folder,
        round=label.round,
        subject=subject,
        kind=kind.value,
        label=wanted,
        call=call,
        missing=answer.missing,
        moved=answer.moved,
        head_sha=answer.head_sha,
        reasons=reasons,
        label_lines=lines,
        why=label.why if why is None else why,
        confidence=label.confidence,
        contested=contested,
    )
