"""Whether values are those of a reported number, and which evaluation of one run is which of another."""

from __future__ import annotations

import math

import numpy as np

from .headline import Reported, Span, is_printed_as, is_returned_as, outside_of, spans_of
from .trace import OUTSIDE, Trace


def numbers_of(span: Span, reported: Reported, headline: bool) -> tuple[float, ...]:
    """Return what an evaluation returned; for a headline that returned nothing, what was printed."""
    return span.numbers or (reported.numbers if headline else ())


def number_of(values: np.ndarray, numbers: tuple[float, ...], printed: bool) -> float | None:
    """Return the number that is the mean of the values, in nats or in bits a token; None where none is."""
    fits = is_printed_as if printed else is_returned_as
    with np.errstate(all="ignore"):
        mean = float(values.mean()) if values.size else math.nan
    if not math.isfinite(mean):
        return None
    figures = (mean, mean / math.log(2))
    return next((number for number in numbers if any(fits(figure, number) for figure in figures)), None)


def score_of(values: np.ndarray, text_bytes: int, numbers: tuple[float, ...]) -> float | None:
    """Return the number that is the values' score in bits a byte; None where none is."""
    bits = float(values.sum()) / math.log(2) / max(1, text_bytes)
    return next((number for number in numbers if is_printed_as(bits, number)), None)


def span_like(span: Span, trace: Trace) -> Span | None:
    """Return the same evaluation in another run: the same number in order, by the same name."""
    if span.phase == OUTSIDE:
        return outside_of(trace, span.name)
    same = [s for s in spans_of(trace) if (s.phase, s.name, s.site) == (span.phase, span.name, span.site)]
    return same[0] if same else None
