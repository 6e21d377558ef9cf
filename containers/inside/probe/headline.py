"""Which evaluation calls a run made, what each returned, and which of them gave the number reported last.

Promises nothing of the numbers themselves: they are what the submission said. Whether what was watched adds
up to them is for `watches` to find.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from .trace import OUTSIDE, Event, Kind, Trace

MAX_SPANS = 64
"""Evaluation calls looked at: the last ones."""
PRINTED_STEP = 0.6e-4
"""Numbers are printed with four decimals or more."""
OUTSIDE_ALL = "outside of functions that evaluate"
THE_RUN = "the run as a whole"
UNTELLING = frozenset({"", "step", "val_bpb", "val_loss"})
"""Labels that lines of any evaluation have."""
EXACT_SHARE = 2e-5
"""By how much of itself a returned number may differ from a mean taken in another order."""


@dataclass(frozen=True, slots=True)
class Span:
    """One evaluation call, as the events from its entry to its return."""

    phase: int
    name: str
    site: str
    first: int
    """Index of its first event."""
    last: int
    """Index behind its last event."""
    numbers: tuple[float, ...]
    """What it returned, finite numbers only."""


@dataclass(frozen=True, slots=True)
class Reported:
    """What a run printed last."""

    val_loss: float | None = None
    val_bpb: float | None = None

    @property
    def numbers(self) -> tuple[float, ...]:
        """Return what was printed, without what was not."""
        return tuple(number for number in (self.val_loss, self.val_bpb) if number is not None)


def spans_of(trace: Trace) -> tuple[Span, ...]:
    """Return the evaluation calls in the order of their return; nested ones overlap."""
    ends = {event.phase: at for at, event in enumerate(trace.events) if event.kind is Kind.END}
    found = []
    for at, event in enumerate(trace.events):
        if event.kind is Kind.BEGIN:
            end = ends.get(event.phase, -1)
            closed = end > at
            numbers = _finite(trace.events[end]) if closed else ()
            last = end if closed else len(trace.events)
            found.append(Span(event.phase, event.text, event.site, at, last, numbers))
    return tuple(sorted(found, key=lambda span: span.last)[-MAX_SPANS:])


def outside_of(trace: Trace, name: str = OUTSIDE_ALL) -> Span:
    """Return what happens in no function that evaluates, or all there is, as a span over the whole run."""
    return Span(OUTSIDE, name, "", 0, len(trace.events), ())


def events_in(trace: Trace, span: Span) -> list[tuple[int, Event]]:
    """Return the events of a span with their indices."""
    chosen = enumerate(trace.events[span.first : span.last], span.first)
    if span.phase != OUTSIDE or span.name == THE_RUN:
        return list(chosen)
    return [(at, event) for at, event in chosen if event.phase == OUTSIDE]


def reported_by(trace: Trace, labels: tuple[str, ...] = ()) -> Reported:
    """Return the loss and the score that were printed last, on a line with one of the labels if there is one.

    A score that is printed behind the claimed one is not what is claimed (#1044).
    """
    printed = [event for event in trace.events if event.kind is Kind.PRINT and math.isfinite(event.number)]
    telling = [label.lower() for label in labels if label not in UNTELLING]
    claimed = [event for event in printed if any(label in event.site.lower() for label in telling)]
    last: dict[str, float] = {}
    for event in claimed or printed:
        last["val_bpb" if event.text.endswith("bpb") else "val_loss"] = event.number
    return Reported(**last)


def headline_of(spans: tuple[Span, ...], reported: Reported) -> Span | None:
    """Return the call that returned what was printed last; the last call where nothing was printed."""
    candidates = [span for span in spans if span.numbers]
    if not reported.numbers:
        return candidates[-1] if candidates else None
    for wanted in (reported.val_bpb, reported.val_loss):
        for span in reversed(candidates):
            if wanted is not None and any(is_printed_as(number, wanted) for number in span.numbers):
                return span
    return None


def is_printed_as(number: float, printed: float) -> bool:
    """Return whether a number may have been printed so."""
    return abs(number - printed) <= max(PRINTED_STEP, EXACT_SHARE * abs(printed))


def is_returned_as(number: float, returned: float) -> bool:
    """Return whether two numbers are one mean, taken in different orders."""
    return abs(number - returned) <= EXACT_SHARE * max(abs(number), abs(returned))


def _finite(event: Event) -> tuple[float, ...]:
    values = () if event.values is None else event.values[:8].tolist()
    return tuple(value for value in values if math.isfinite(value) and value != 0)
