"""Agreement on legality with readers who judged the code of real pull requests."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from audits.outcome import Axis
from tests.audits.corpus.mirror import Label, reviews

AGREEMENT = 0.85
CONFIDENT = 0.6


class Judged(NamedTuple):
    """One label beside what Referee says."""

    pr: int
    label: str
    verdict: str


@pytest.fixture(scope="module")
def judged(mirror: str, labels: list[Label]) -> list[Judged]:
    wanted = [
        label for label in labels if label.legality in ("CLEAN", "ILLEGAL") and label.confidence >= CONFIDENT
    ]
    return [Judged(label.pr, label.legality, legality(mirror, label)) for label in wanted]


def legality(mirror: str, label: Label) -> str:
    """Return the verdict on the labelled folder, NOTHING where it was not audited."""
    for review in reviews(mirror, pr=label.pr):
        if review.submission.folder == label.folder:
            return str(review.verdict.axis(Axis.LEGALITY).call)
    return "NOTHING"


def test_verdicts_agree(judged: list[Judged]) -> None:
    assert judged, "the file holds no confident CLEAN or ILLEGAL row"
    others = [item for item in judged if item.label != item.verdict]
    agreement = 1 - len(others) / len(judged)
    print(f"legality agrees on {agreement:.1%} of {len(judged)}")
    assert agreement >= AGREEMENT, others


def test_nothing_clean_is_called_illegal(judged: list[Judged]) -> None:
    assert [item for item in judged if item.label == "CLEAN" and item.verdict == "ILLEGAL"] == []
