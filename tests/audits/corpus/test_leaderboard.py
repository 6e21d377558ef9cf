"""Every record that was merged is audited without a crash, and no merged record is called illegal."""

from __future__ import annotations

import pytest

from audits.outcome import Axis
from tests.audits.corpus.mirror import crashes, record_folders, reviews

FOLDERS = record_folders() or [("", "")]


@pytest.mark.parametrize(("track", "folder"), FOLDERS, ids=[f"{track}/{name}" for track, name in FOLDERS])
def test_merged_record(mirror: str, track: str, folder: str) -> None:
    (review,) = [
        item for item in reviews(mirror, ref="main", folder=folder) if item.submission.track == track
    ]
    assert crashes(review) == []
    legality = review.verdict.axis(Axis.LEGALITY).call
    blamed = [
        item.reason
        for item in review.result.outcomes
        if item.axis is Axis.LEGALITY and item.status == "flagged"
    ]
    assert legality != "ILLEGAL", blamed
