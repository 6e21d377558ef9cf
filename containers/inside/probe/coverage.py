"""What a watched run did, counted from its events: evaluations, optimizer steps, files written and read."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from .trace import OUTSIDE, Kind, Trace

MAX_FUNCTIONS = 40


@dataclass(frozen=True, slots=True)
class Coverage:
    """What one run did, counted."""

    evaluations: tuple[str, ...]
    """Evaluation functions entered, each with how often: `eval_val x2`."""
    updates: int
    """Optimizer steps in all."""
    updates_in_evaluation: int
    reloads: int
    """Times that weights were replaced from a state."""
    saved: int
    """Files written."""
    read_back: int
    """Files opened for reading that the run had written."""

    def document(self) -> dict[str, Any]:
        """Return plain data for a report line."""
        return asdict(self)


def coverage(trace: Trace) -> Coverage:
    """Return what a run did, counted from its events."""
    events = trace.events
    kinds = Counter(event.kind for event in events)
    entered = Counter(event.text for event in events if event.kind is Kind.BEGIN)
    inside = sum(event.kind is Kind.UPDATE and event.phase != OUTSIDE for event in events)
    return Coverage(
        evaluations=tuple(f"{name} x{count}" for name, count in list(entered.items())[:MAX_FUNCTIONS]),
        updates=kinds[Kind.UPDATE],
        updates_in_evaluation=inside,
        reloads=kinds[Kind.ASSIGN],
        saved=kinds[Kind.SAVE],
        read_back=kinds[Kind.LOAD],
    )
