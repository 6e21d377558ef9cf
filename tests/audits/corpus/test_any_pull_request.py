"""Pull requests of every age and kind: no crash, and an answer in time."""

from __future__ import annotations

import pytest

from tests.audits.corpus.mirror import crashes, evenly, pull_requests, reviews

SAMPLE = 200
SECONDS = 10.0


@pytest.mark.parametrize("number", evenly(pull_requests(), SAMPLE) or [0])
def test_pull_request(mirror: str, number: int) -> None:
    for review in reviews(mirror, pr=number):
        assert crashes(review) == []
        assert review.result.timings_ms["total"] < SECONDS * 1000, review.submission.path
