"""Scale what sets the size of a run where a script reads it, by the table.

Promises that a value which is read twice is scaled once, and that every change can be told.
"""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Callable
from typing import Any

from .scale_table import CALIBRATION, LENGTHS, SCHEDULES, SHARED, Entry, Group, entry_of
from .shim.patching import used

_LENGTH = re.compile(r"(?<![\d.])\d{1,7}(?=\s*@)")


class Scale:
    """Remembers what has been scaled, so that a value read twice is scaled once."""

    def __init__(self) -> None:
        self.groups: frozenset[Group] = frozenset()
        self.place: Callable[[str, Any], Any] = lambda name, value: value
        self.changes: dict[str, tuple[Any, Any]] = {}
        self._given: dict[str, set[float]] = {}
        self._lock = threading.Lock()

    def __call__(self, name: str, value: Any) -> Any:
        """Return what the tiny run uses in the place of `value`."""
        if name.startswith("calibration:"):
            return self._calibration(name.removeprefix("calibration:"), value)
        if name.startswith("share:"):
            return self._share(name.removeprefix("share:").upper(), value)
        key = name.upper()
        entry = entry_of(key)
        if entry is None or entry.group not in self.groups:
            return value
        if entry.group is Group.PATHS:
            return self.place(key, value)
        if key in SCHEDULES:
            return self._schedule(key, value)
        number = _number(value)
        if number is None:
            return value
        with self._lock:
            return self._scaled(key, entry, value, number)

    def _scaled(self, key: str, entry: Entry, value: Any, number: float) -> Any:
        given = self._given.setdefault(key, set())
        if number in given or number <= 0:
            return value
        small = min(number, entry.limit) if entry.limit is not None else _divided(number, entry)
        given.add(small)
        if small == number:
            return value
        self.changes.setdefault(key, (number, small))
        used("scale", "see figures")
        return _like(value, small)

    def _schedule(self, key: str, value: Any) -> Any:
        """Shrink the lengths of `1024@0.3,2048@1` by halves, the longest to its limit."""
        limit = int(entry.limit or 0) if (entry := entry_of(SCHEDULES[key])) else 0
        lengths = [int(found) for found in _LENGTH.findall(value)] if isinstance(value, str) else []
        if not limit or max(lengths, default=0) <= limit:
            return value
        longest = max(lengths)

        def small(match: re.Match[str]) -> str:
            by = int(match[0]) / longest
            return str(max(8, limit >> max(0, math.floor(-math.log2(by) + 0.5)))) if by > 0 else match[0]

        text = _LENGTH.sub(small, value)
        self.changes.setdefault(key, (value, text))
        used("scale", "see figures")
        return text

    def _share(self, key: str, value: Any) -> Any:
        """Return the whole batch in the place of a share of it, where the table has made it small."""
        whole = max(self._given.get(key, ()), default=0)
        if type(value) is not int or key not in self.changes or not 0 < value < whole:
            return value
        used("batch-share", f"{key}: {value} -> {int(whole)}")
        return int(whole)

    def _calibration(self, name: str, value: Any) -> Any:
        if type(value) is not int or not self.groups:
            return value
        limit = CALIBRATION.get(name.upper()) or LENGTHS[name.upper()]
        if value > limit:
            used("calibration-cap", f"{name}: {value} -> {limit}")
            return limit
        return value


SCALE = Scale()
"""The scale of this process."""


def known(name: str) -> bool:
    """Return whether the table has an entry for the name."""
    return entry_of(name) is not None


def share_of(name: str) -> bool:
    """Return whether a share of what has the name is a batch, too."""
    return name.upper() in SHARED


def calibration_parameters(names: list[str]) -> list[str]:
    """Return which parameters of a function are capped."""
    sizes = [name for name in names if name.upper() in CALIBRATION]
    if not sizes:
        return []
    return sizes + [name for name in names if name.upper() in LENGTHS]


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return None
    return value if isinstance(value, int | float) else None


def _divided(number: float, entry: Entry) -> float:
    divisor = entry.divisor or 1
    if number != int(number) or number < entry.floor * divisor:
        return number
    for by in (divisor, 6, 4, 3, 2):
        if by > divisor:
            continue
        small, rest = divmod(int(number), by)
        if not rest and (by == 2 or small % entry.multiple == 0):
            return small
    return number


def _like(value: Any, number: float) -> Any:
    """Return the number in the type of the value."""
    if isinstance(value, str):
        return str(int(number)) if number == int(number) else str(number)
    return type(value)(number)
