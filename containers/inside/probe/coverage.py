"""What a watched run executed: lines of the submission, evaluations, optimizer steps, files written and read.

Promises one entry for each line, however often it ran, at next to no cost: the interpreter is asked to report
a line once. Where it cannot be asked (before Python 3.12) nothing is known of lines, and that is said.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from ..source.loader import foreign
from .trace import OUTSIDE, Kind, Trace

MAX_FILES = 40
MAX_FUNCTIONS = 40
CHUNK = 3500
"""Longest text in which line numbers leave the box."""
_seen: dict[str, set[int]] = {}
_known: dict[str, bool] = {}


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


def start() -> bool:
    """Begin to note the lines that the submission executes; return whether the interpreter can tell."""
    monitoring: Any = getattr(sys, "monitoring", None)
    if monitoring is None:
        return False
    tool = monitoring.COVERAGE_ID
    if monitoring.get_tool(tool) is None:
        monitoring.use_tool_id(tool, "referee")
    disable = monitoring.DISABLE

    def line(code: Any, number: int) -> Any:
        name = code.co_filename
        theirs = _known.get(name)
        if theirs is None:
            theirs = _known[name] = _is_theirs(name)
        if theirs:
            _seen.setdefault(name, set()).add(number)
        return disable

    monitoring.register_callback(tool, monitoring.events.LINE, line)
    monitoring.set_events(tool, monitoring.events.LINE)
    monitoring.restart_events()
    return True


def lines(root: str) -> dict[str, list[str]]:
    """Return the lines executed so far, by file relative to `root`, as texts of ranges (`1-5,8`)."""
    files = sorted(_seen.items())[:MAX_FILES]
    return {_relative(name, root): ranges(sorted(numbers)) for name, numbers in files}


def ranges(numbers: list[int]) -> list[str]:
    """Return rising numbers as ranges, in texts of at most `CHUNK` characters."""
    parts: list[str] = []
    first = last = -1
    for number in [*numbers, -1]:
        if first >= 0 and number != last + 1:
            parts.append(str(first) if first == last else f"{first}-{last}")
            first = -1
        if first < 0:
            first = number
        last = number
    return _chunks(parts)


def _chunks(parts: list[str]) -> list[str]:
    made: list[str] = []
    for part in parts:
        if made and len(made[-1]) + len(part) < CHUNK:
            made[-1] += f",{part}"
        else:
            made.append(part)
    return made


def _is_theirs(name: str) -> bool:
    """Return whether code is the submission's: its files, and what it unpacked."""
    return name.startswith("<unpacked") or not (name.startswith("<") or foreign(name))


def _relative(name: str, root: str) -> str:
    if name.startswith("<"):
        return name
    path = os.path.relpath(os.path.abspath(name), root)
    return os.path.basename(name) if path.startswith("..") else path
