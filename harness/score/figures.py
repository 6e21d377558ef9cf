"""Counts out of counts, with the interval that honest small numbers need."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from harness.score.documented import documented

CONFIDENCE_LEVEL = 0.95


@documented
@dataclass(frozen=True, slots=True)
class Share:
    """So many out of so many."""

    hits: int
    total: int
    rate: float | None
    """`hits / total`; None out of nothing."""
    low: float | None
    """Lower end of the Wilson 95 % interval."""
    high: float | None
    """Upper end of it."""

    def __str__(self) -> str:
        """Return `58/60 (96.7 %, 88.6-99.1)`."""
        if self.rate is None or self.low is None or self.high is None:
            return f"{self.hits}/{self.total}"
        return f"{self.hits}/{self.total} ({self.rate:.1%}, {self.low * 100:.1f}-{self.high * 100:.1f})"


@cache
def share(hits: int, total: int) -> Share:
    """Return `hits` out of `total` with its Wilson interval."""
    if not total:
        return Share(hits, total, None, None, None)
    from scipy.stats import binomtest

    interval = binomtest(hits, total).proportion_ci(CONFIDENCE_LEVEL, method="wilson")
    return Share(hits, total, hits / total, float(interval.low), float(interval.high))


def f1_score(true_positives: int, false_positives: int, false_negatives: int) -> float | None:
    """Return the harmonic mean of precision and recall; None where there was nothing to find or report."""
    weighed = 2 * true_positives + false_positives + false_negatives
    return 2 * true_positives / weighed if weighed else None
