"""A number that is added up in two storeys: accumulators of documents or batches, and their sum.

Promises for each addition to the upper storey the losses below it, or nothing at all: a sum of which one part
is unknown proves nothing. Accumulators that were set back between passes (#762) hold the last pass only, so
below an accumulator are the latest additions to it that come to what it held.
"""

from __future__ import annotations

import numpy as np

from .trace import Event, Kind

WITHIN = 8
"""Events between a sum and the addition that takes its result."""
EXACT = 1e-7
"""By how much of itself a total may differ from what an accumulator held."""
NEAR = 1e-5
"""The same for a mean in float32 that is multiplied by its count."""
MAX_NAMES = 12
MAX_BACK = 4096
"""Additions that are tried to be what an accumulator held."""
_Numbered = list[tuple[int, Event]]
_Part = tuple[int, np.ndarray, int]


def names(events: _Numbered) -> tuple[str, ...]:
    """Return the names that are added to as a whole, where some others are added to by an index."""
    texts = dict.fromkeys(event.text for _, event in events if event.kind is Kind.ADD and event.text)
    upper = [text for text in texts if "[" not in text]
    return tuple(upper[:MAX_NAMES]) if len(upper) < len(texts) else ()


def parts(events: _Numbered, name: str) -> list[_Part]:
    """Return the losses behind all additions to a name, in order; none where those of one are unknown."""
    found: list[_Part] = []
    lower: dict[str, list[tuple[float, int]]] = {}
    for index, (_, event) in enumerate(events):
        if event.kind is not Kind.ADD:
            continue
        if event.text == name:
            below = _below(events, index, lower)
            if not below:
                return []
            found += below
        elif "[" in event.text:
            lower.setdefault(event.text.split("[")[0], []).append((event.number, index))
    return found


def _below(events: _Numbered, index: int, lower: dict[str, list[tuple[float, int]]]) -> list[_Part]:
    """Return what one addition added: accumulators, a vector that was summed, or a batch's losses."""
    number = events[index][1].number
    for additions in lower.values():
        chosen = _latest(additions, number)
        below = [_vector(events, at) for at in chosen]
        if below and None not in below:
            return [part for part in below if part is not None]
    summed = _vector(events, index) or _batch(events, index)
    return [summed] if summed is not None else []


def _latest(additions: list[tuple[float, int]], number: float) -> list[int]:
    """Return the latest additions that come to a number, in order; none where no count of them does."""
    total = 0.0
    for count, (added, _) in enumerate(reversed(additions[-MAX_BACK:]), 1):
        total += added
        if abs(total - number) <= EXACT * abs(number):
            return [at for _, at in additions[-count:]]
    return []


def _vector(events: _Numbered, index: int) -> _Part | None:
    """Return the vector whose sum an addition takes."""
    number = events[index][1].number
    for at, event in reversed(events[max(0, index - WITHIN) : index]):
        if event.kind is Kind.SUM and event.values is not None and _is(event.number, number, NEAR):
            return at, event.values, 0
    return None


def _batch(events: _Numbered, index: int) -> _Part | None:
    """Return the losses of which an addition takes the sum, or the mean times their count."""
    number = events[index][1].number
    for at, event in reversed(events[max(0, index - WITHIN) : index]):
        if event.kind is Kind.LOSS and event.values is not None and event.values.size:
            return (at, event.values, 0) if _is(float(event.values.sum()), number, NEAR) else None
    return None


def _is(one: float, other: float, share: float) -> bool:
    return one != 0 and abs(one - other) <= share * max(abs(one), abs(other))
