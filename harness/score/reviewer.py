"""The community reviewer's own verdicts against the gold labels, beside ours, on the rows that both judged.

His verdict knows two outcomes, so ours is read both ways: as it stands, and with FLAG taken for an alarm as
his is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.score.cases import meets
from harness.score.documented import documented
from harness.score.figures import Share, share
from harness.score.labels import REVIEWER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.score.answers import Answers
    from harness.score.labels import CommunityLabel, GoldLabel

_AS_ALARM = {"CLEAN": "CLEAN", "FLAG": "ILLEGAL", "HOLD": "ILLEGAL", "ILLEGAL": "ILLEGAL"}


@documented
@dataclass(frozen=True, slots=True)
class JudgeScore:
    """How one judge does on the shared rows."""

    judge: str
    agreement: Share
    false_alarms: Share
    """CLEAN called ILLEGAL."""
    recall: Share
    """ILLEGAL called ILLEGAL."""


@documented
@dataclass(frozen=True, slots=True)
class SharedRow:
    """One row on which a judge errs."""

    pr: int
    folder: str
    gold: str
    reviewer: str
    """His verdict in his word."""
    ours: str


@documented
@dataclass(frozen=True, slots=True)
class ReviewerTable:
    """The reviewer and Referee on the same rows."""

    reviewer: str
    rows: int
    judges: tuple[JudgeScore, ...]
    errors: tuple[SharedRow, ...]
    """Rows on which at least one of the two does not meet the label."""


def compare_reviewer(
    answers: Answers, gold: Sequence[GoldLabel], community: Sequence[CommunityLabel]
) -> ReviewerTable | None:
    """Return the table, None when there is no row that both judged."""
    said = {
        label.pr: label.verdict
        for label in community
        if label.source == REVIEWER and label.verdict in _AS_ALARM
    }
    rows = [
        SharedRow(
            label.pr,
            label.folder,
            label.axes.legality,
            said[label.pr],
            answers.to_gold(label).call("legality"),
        )
        for label in gold
        if label.pr in said and label.confident and label.axes.legality != "UNCLEAR"
    ]
    if not rows:
        return None
    return ReviewerTable(
        reviewer=REVIEWER,
        rows=len(rows),
        judges=(
            _judge(REVIEWER, [(row.gold, _his(row)) for row in rows]),
            _judge("Referee, FLAG read as his", [(row.gold, _alike(row)) for row in rows]),
            _judge("Referee, as it stands", [(row.gold, row.ours) for row in rows]),
        ),
        errors=tuple(row for row in rows if not (meets(row.gold, _his(row)) and meets(row.gold, row.ours))),
    )


def _his(row: SharedRow) -> str:
    """Return his verdict in our words; on a disputed row his FLAG or HOLD is what it says."""
    return "FLAG" if row.gold == "FLAG" and row.reviewer != "CLEAN" else _AS_ALARM[row.reviewer]


def _alike(row: SharedRow) -> str:
    return "ILLEGAL" if row.ours == "FLAG" and row.gold != "FLAG" else row.ours


def _judge(name: str, pairs: list[tuple[str, str]]) -> JudgeScore:
    clean = [call for gold, call in pairs if gold == "CLEAN"]
    illegal = [call for gold, call in pairs if gold == "ILLEGAL"]
    return JudgeScore(
        judge=name,
        agreement=share(sum(meets(*pair) for pair in pairs), len(pairs)),
        false_alarms=share(clean.count("ILLEGAL"), len(clean)),
        recall=share(illegal.count("ILLEGAL"), len(illegal)),
    )
