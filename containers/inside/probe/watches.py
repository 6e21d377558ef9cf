"""Which numbers an evaluation added up: the values that, watched, give what it returned.

A recipe names them so that the same ones can be read from another run. Promises that the values' mean is
the number reported, or that there is no recipe.
"""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from . import nested
from .headline import Span, events_in
from .trace import Event, Kind, Trace

MAX_ITEMS = 2_000_000
MAX_RECIPES = 80
FLOWS_WITHIN = 6
"""Events between a sum and the addition that takes its result."""
_Numbered = list[tuple[int, Event]]


class Source(enum.StrEnum):
    """Where the values are read."""

    FLOW = "sums that one addition takes"
    SUM = "sums at one line"
    ADD = "one addition for each token"
    BLOCKS = "losses of a batch, added as one number"
    LISTED = "losses of a batch, collected and then averaged"
    NESTED = "sums of accumulators that were themselves added up"
    QUIET = "losses computed without a gradient"
    LOSS = "losses computed at one line"


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to read the values from a run."""

    source: Source
    site: str = ""
    """The line; for an addition also what is added to: a minified line adds to several numbers."""
    without_zeros: bool = False
    """Zeros are masked entries and no losses."""
    skip: int = 0
    """Values of earlier passes, which the number does not count."""


@dataclass(frozen=True, slots=True)
class Watched:
    """Values on their way into a reported number, in the order in which they were added."""

    recipe: Recipe
    values: np.ndarray
    """float64, nats."""
    events: np.ndarray
    """int64, index in the trace of the event that each value was read from."""
    offsets: np.ndarray
    """int64, index of each value in its event."""
    lines: tuple[str, ...]
    """Where they enter the sum."""


def candidates(trace: Trace, span: Span) -> Iterator[Watched]:
    """Yield what may have been added up, the most telling first."""
    events = events_in(trace, span)
    sites: dict[Kind, dict[str, None]] = defaultdict(dict)
    for _, event in events:
        sites[event.kind].setdefault(_place(event))
    recipes = [Recipe(Source.FLOW, site) for site in sites[Kind.ADD]]
    recipes += [Recipe(Source.SUM, site) for site in sites[Kind.SUM]]
    recipes += [Recipe(Source.BLOCKS, site) for site in sites[Kind.ADD]]
    recipes += [Recipe(Source.LISTED, site) for site in sites[Kind.SUM]]
    recipes += [Recipe(Source.NESTED, name) for name in nested.names(events)]
    recipes += [Recipe(Source.QUIET)]
    recipes += [Recipe(Source.QUIET, site) for site in sites[Kind.LOSS]]
    recipes += [Recipe(Source.LOSS, site) for site in sites[Kind.LOSS]]
    recipes += [Recipe(Source.ADD, site) for site in sites[Kind.ADD]]
    for recipe in recipes[:MAX_RECIPES]:
        found = _read(events, recipe)
        if found is None:
            continue
        yield found
        masked = _read(events, replace(recipe, without_zeros=True)) if (found.values == 0).any() else None
        if masked is not None:
            yield masked


def read(trace: Trace, span: Span, recipe: Recipe) -> Watched | None:
    """Return the values that a recipe names; None where there are none, or too many."""
    return _read(events_in(trace, span), recipe)


def matching(trace: Trace, span: Span, fits: Callable[[Watched], bool]) -> Watched | None:
    """Return the first candidate that fits, and of sums the losses behind them; None for none."""
    best: Watched | None = None
    for found in candidates(trace, span):
        if best is None and fits(found):
            best = found
        elif best is not None and _is_behind(found, best) and fits(found):
            return found
    return best


def _is_behind(found: Watched, best: Watched) -> bool:
    """Return whether what was summed were the batches' means, of which these are the losses."""
    sums = best.recipe.source in (Source.FLOW, Source.SUM)
    listed = found.recipe.source in (Source.BLOCKS, Source.LISTED)
    return sums and listed and found.values.size > best.values.size


def _read(events: _Numbered, recipe: Recipe) -> Watched | None:
    parts = _SOURCES[recipe.source](events, recipe.site)
    total = sum(values.size for _, values, _ in parts)
    if not total or total > MAX_ITEMS:
        return None
    values = np.concatenate([part for _, part, _ in parts])
    numbers = np.concatenate([np.full(part.size, at, np.int64) for at, part, _ in parts])
    offsets = np.concatenate([np.arange(start, start + part.size) for _, part, start in parts])
    lines = tuple(dict.fromkeys(_line(events, recipe)))[:4]
    if recipe.without_zeros:
        kept = values != 0
        if kept.all() or not kept.any():
            return None
        values, numbers, offsets = values[kept], numbers[kept], offsets[kept]
    skip = recipe.skip
    return Watched(recipe, values[skip:], numbers[skip:], offsets[skip:].astype(np.int64), lines)


_Part = tuple[int, np.ndarray, int]
"""Index of an event, its values, and the index of the first of them."""


def _flow(events: _Numbered, site: str) -> list[_Part]:
    """Sums whose result an addition at the line takes."""
    parts: list[_Part] = []
    recent: list[tuple[int, Event]] = []
    for at, event in events:
        if event.kind is Kind.SUM and event.values is not None:
            recent = [*recent[-3:], (at, event)]
        elif event.kind is Kind.ADD and _place(event) == site:
            for index, (sum_at, summed) in enumerate(recent):
                if at - sum_at <= FLOWS_WITHIN and _same(summed.number, event.number):
                    parts.append(_whole(sum_at, summed))
                    recent = recent[index + 1 :]
                    break
    return parts


def _sums(events: _Numbered, site: str) -> list[_Part]:
    return [_whole(at, event) for at, event in events if _is(event, Kind.SUM, site)]


def _quiet(events: _Numbered, site: str) -> list[_Part]:
    chosen = [(at, event) for at, event in events if _is(event, Kind.LOSS, site or event.site)]
    return [_whole(at, event) for at, event in chosen if not event.grad]


def _losses(events: _Numbered, site: str) -> list[_Part]:
    return [_whole(at, event) for at, event in events if _is(event, Kind.LOSS, site)]


def _adds(events: _Numbered, site: str) -> list[_Part]:
    chosen = [(at, event) for at, event in events if event.kind is Kind.ADD and _place(event) == site]
    return [(at, np.asarray([event.number], np.float64), 0) for at, event in chosen]


def _blocks(events: _Numbered, site: str) -> list[_Part]:
    """Losses of the batches whose sums or means are added at the line."""
    added = [event.number for _, event in events if event.kind is Kind.ADD and _place(event) == site]
    return _behind(events, added)


def _listed(events: _Numbered, site: str) -> list[_Part]:
    """Losses of the batches whose sums or means were collected and are averaged at the line."""
    return _behind(events, [n for part in _sums(events, site) for n in part[1][:10_000].tolist()])


def _behind(events: _Numbered, numbers: list[float]) -> list[_Part]:
    """Return the losses that each number is the sum or mean of, in order; none where one is missing."""
    losses = [(at, event) for at, event in events if _is(event, Kind.LOSS, event.site)]
    figures = [(float(event.values.sum()), float(event.values.mean())) for _, event in losses]  # type: ignore[union-attr]
    parts, next_one = [], 0
    for number in numbers:
        for index in range(next_one, len(losses)):
            if any(_same(number, figure) for figure in figures[index]):
                parts.append(_whole(*losses[index]))
                next_one = index + 1
                break
        else:
            return []
    return parts


_SOURCES: dict[Source, Callable[[_Numbered, str], list[_Part]]] = {
    Source.FLOW: _flow,
    Source.SUM: _sums,
    Source.ADD: _adds,
    Source.BLOCKS: _blocks,
    Source.LISTED: _listed,
    Source.NESTED: nested.parts,
    Source.QUIET: _quiet,
    Source.LOSS: _losses,
}


def _line(events: _Numbered, recipe: Recipe) -> Iterator[str]:
    kind = Kind.LOSS if recipe.source in (Source.QUIET, Source.LOSS) else Kind.ADD
    if recipe.source in (Source.SUM, Source.LISTED):
        kind = Kind.SUM
    for _, event in events:
        if event.kind is kind and event.site and recipe.site in ("", _place(event), event.text):
            yield event.site


def _place(event: Event) -> str:
    """Return what tells the events of one kind apart by where they come from (#1172)."""
    return f"{event.site} {event.text}" if event.kind is Kind.ADD else event.site


def _is(event: Event, kind: Kind, site: str) -> bool:
    return event.kind is kind and event.site == site and event.values is not None and event.values.size > 0


def _whole(at: int, event: Event) -> _Part:
    values = event.values if event.values is not None else np.zeros(0)
    return at, values, 0


def _same(one: float, other: float) -> bool:
    return abs(one - other) <= 1e-5 * max(abs(one), abs(other)) and one != 0
