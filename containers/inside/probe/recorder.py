"""Collect the events of one run, in order and within fixed bounds.

Promises never to change what the script computes: it reads copies, draws no random number and asks no clock.
When the bounds are reached the rest is dropped and `cut` says so: such a trace proves nothing.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from typing import Any

import numpy as np

from .trace import MAX_EVENTS, OUTSIDE, Event, Kind, Trace

MAX_NUMBERS = 8_000_000
"""Numbers of all events together; a trace of as many is 64 MB."""
MAX_OUTSIDE = 1_500_000
"""Numbers of sums made outside evaluations, where weights are averaged, too."""
MAX_AT_SITE = 60_000


class Recorder:
    """The events of this process."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.facts: dict[str, Any] = {}
        self.open = False
        """Whether events are taken."""
        self.cut = ""
        self.vocabulary = 0
        """Entries of the script's vocabulary, as far as it is known; 0 for unknown."""
        self.width = 0
        """Entries of the widest row of logits that a loss was computed from."""
        self._phases: list[int] = []
        self._begun = 0
        self._numbers = 0
        self._outside = 0
        self._at: Counter[tuple[Kind, str]] = Counter()

    @property
    def phase(self) -> int:
        """The innermost evaluation that is running."""
        return self._phases[-1] if self._phases else OUTSIDE

    def begin(self, function: Any) -> None:
        """Enter an evaluation."""
        self._phases.append(self._begun)
        self._begun += 1
        code = getattr(function, "__code__", None)
        site = f"{os.path.basename(code.co_filename)}:{code.co_firstlineno}" if code else ""
        self.put(Event(Kind.BEGIN, site, self.phase, text=str(getattr(function, "__name__", "?"))))

    def end(self, numbers: list[float]) -> None:
        """Leave it, with the numbers that it returned."""
        self.put(Event(Kind.END, phase=self.phase, values=np.array(numbers, np.float64)))
        if self._phases:
            self._phases.pop()

    def put(self, event: Event) -> None:
        """Take an event, or note that there is no room for it."""
        if not self.open or self.cut:
            return
        size = sum(part.size for part in (event.values, event.targets, event.digests) if part is not None)
        key = (event.kind, event.site)
        self._at[key] += 1
        if len(self.events) >= MAX_EVENTS - 10 or self._numbers + size > MAX_NUMBERS:
            self.cut = "the run had more events than are kept"
        elif self._at[key] > MAX_AT_SITE:
            self.cut = f"more than {MAX_AT_SITE:,} events at {event.site}"
        else:
            self._numbers += size
            self.events.append(event)

    def room_outside(self, size: int) -> bool:
        """Return whether a sum made outside evaluations is kept; those are no more than hints."""
        self._outside += size
        return self._outside <= MAX_OUTSIDE

    def trace(self) -> Trace:
        """Return what was recorded."""
        counts = Counter(event.kind.value for event in self.events)
        return Trace(tuple(self.events), {**self.facts, "cut": self.cut, "counts": dict(counts)})


RECORDER = Recorder()
"""The recorder of this process."""


def site(depth: int = 1) -> str:
    """Return `file:line` of the caller that many frames up."""
    frame = sys._getframe(depth + 1)
    return f"{os.path.basename(frame.f_code.co_filename)}:{frame.f_lineno}"


def site_of_theirs() -> str:
    """Return `file:line` of the innermost frame that is the submission's."""
    from ..source.loader import foreign

    frame: Any = sys._getframe(1)
    while frame is not None:
        name = frame.f_code.co_filename
        if not name.startswith("<frozen") and not foreign(name):
            return f"{os.path.basename(name)}:{frame.f_lineno}"
        frame = frame.f_back
    return ""
