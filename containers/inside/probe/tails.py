"""A number that only the last pass over the stream gives: accumulators that are set back between passes.

Promises a tail of whole events whose mean is the returned number to the precision of the sum itself: means of
tails lie close together, so that a looser match would be found by chance.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .headline import Span
from .trace import Trace
from .watches import Source, Watched, candidates

EXACT = 5e-8
"""By how much of itself a mean may differ from the number: what float32 rounds away in an average."""
PASSES = (Source.FLOW, Source.SUM, Source.BLOCKS, Source.QUIET)


def tail_matching(trace: Trace, span: Span, numbers: tuple[float, ...]) -> Watched | None:
    """Return the last events of a candidate that give a number; None where none do."""
    for found in candidates(trace, span):
        if found.recipe.source in PASSES and np.isfinite(found.values).all():
            skip = _start(found, numbers)
            if skip:
                return tail(found, skip)
    return None


def tail(found: Watched, skip: int) -> Watched:
    """Return what is left of the values after the first `skip`."""
    return replace(
        found,
        recipe=replace(found.recipe, skip=skip),
        values=found.values[skip:],
        events=found.events[skip:],
        offsets=found.offsets[skip:],
    )


def _start(found: Watched, numbers: tuple[float, ...]) -> int:
    """Return the index from which on the values' mean is one of the numbers; 0 for none."""
    starts = np.flatnonzero(np.diff(found.events)) + 1
    if not starts.size:
        return 0
    sums = np.cumsum(found.values[::-1])[::-1][starts]
    means = sums / (found.values.size - starts)
    for number in numbers:
        close = np.flatnonzero(np.abs(means - number) <= EXACT * abs(number))
        if close.size:
            return int(starts[close[0]])
    return 0
