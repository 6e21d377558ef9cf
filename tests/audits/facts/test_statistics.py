"""The test statistic against values that were published with the leaderboard's decisions."""

from __future__ import annotations

from statistics import fmean, variance

import pytest

from audits.challenge_loader import load_challenge
from audits.facts.statistics import Sample, p_value

ROWS = {row.pr: row for row in load_challenge("parameter_golf").leaderboard}


@pytest.mark.parametrize(("entry", "before", "published"), [(1514, 1493, 0.0204), (1769, 1736, 0.0625)])
def test_published_p_values_are_reproduced(entry: int, before: int, published: float) -> None:
    old = ROWS[before].seed_bpb
    found = p_value(list(ROWS[entry].seed_bpb), Sample(fmean(old), variance(old), len(old)), 0.0)
    assert found == pytest.approx(published, rel=0.02)


def test_a_margin_makes_the_test_harder() -> None:
    before = Sample(1.10, 1e-7, 3)
    values = [1.0951, 1.0953, 1.0952]
    plain, margin = p_value(values, before, 0.0), p_value(values, before, 0.004)
    assert plain is not None
    assert margin is not None
    assert plain < margin < 0.5


def test_one_seed_proves_nothing() -> None:
    assert p_value([1.0], Sample(1.1, 1e-6, 3), 0.0) is None


def test_identical_values_have_no_spread_to_test() -> None:
    assert p_value([1.0, 1.0], Sample(1.1, 0.0, 1), 0.0) is None
