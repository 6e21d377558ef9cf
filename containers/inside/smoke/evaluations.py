"""Report what functions that evaluate return, where it is a loss and a score."""

from __future__ import annotations

import functools
import math
import re
import time
from collections.abc import Callable
from typing import Any

from ..channel import CHANNEL

SEEN: list[dict[str, Any]] = []
"""Evaluations of this process, in order."""
PRINTED: dict[str, float] = {}
"""The last loss and score that were printed, for scripts whose evaluations are no functions of their own."""
BEGUN: list[Callable[[Any], None]] = []
"""Called with a function that evaluates when it is entered."""
DONE: list[Callable[[list[float]], None]] = []
"""Called with the numbers that it returned, none where it raised."""
HEARD: list[Callable[[str, float, str], None]] = []
"""Called with name, value and line of every loss and score that is printed under its plain name."""
_NAMED = ("val_loss", "val_bpb")
_PRINTED = re.compile(r"\b(val_loss|\w{0,60}?bpb\w{0,60})\b['\"]?\s*[:=]\s*(\d{1,6}\.\d{1,12})")
_OF_OTHERS = re.compile(r"prev|best|base|target|sota|delta|diff|record|claim|old")
"""Names of scores that a script only quotes."""
_PLAIN = frozenset({"val_loss", "val_bpb", "bpb"})


def printing(*values: Any, **options: Any) -> None:
    """Print for the submission, remembering losses and scores."""
    for value in values[:8]:
        if isinstance(value, str) and ("b" in value or "B" in value):
            _remember(value if len(value) <= 8000 else value[:4000] + value[-4000:])
    print(*values, **options)


def _remember(text: str) -> None:
    # Some write BPB in capitals (#1574).
    for found, number in _PRINTED.findall(text.lower()):
        if _OF_OTHERS.search(found):
            continue
        name = "val_bpb" if "bpb" in found else found
        PRINTED[name] = float(number)
        for listener in HEARD if found in _PLAIN else ():
            listener(name, float(number), text)


def report_printed() -> None:
    """Report what was printed, where no function reported anything."""
    if PRINTED and not SEEN:
        entry = {"function": "print", "val_loss": PRINTED.get("val_loss"), "val_bpb": PRINTED.get("val_bpb")}
        SEEN.append(entry)
        CHANNEL.send("evaluation", **entry)


def watched(function: Any) -> Any:
    """Return a function of the submission that reports its result."""
    if not callable(function) or isinstance(function, type):
        return function

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        for begin in BEGUN:
            begin(function)
        started = time.perf_counter()
        result, returned = None, False
        try:
            result, returned = function(*args, **kwargs), True
        finally:
            for done in DONE:
                done(_numbers(result) if returned else [])
        _note(function, result, time.perf_counter() - started)
        return result

    return call


def _note(function: Callable[..., Any], result: Any, seconds: float) -> None:
    numbers = _numbers(result)
    if not numbers:
        return
    entry = {
        "function": getattr(function, "__name__", "?"),
        "val_loss": numbers[0],
        "val_bpb": numbers[1] if len(numbers) > 1 else None,
        "finite": all(math.isfinite(number) for number in numbers[:2]),
        "seconds": round(seconds, 3),
    }
    SEEN.append(entry)
    CHANNEL.send("evaluation", **entry)


def _numbers(result: Any) -> list[float]:
    values = result if isinstance(result, tuple | list) else [result]
    if isinstance(result, dict):
        values = [value for key, value in result.items() if "loss" in str(key) or "bpb" in str(key)]
    named = [getattr(result, name, None) for name in _NAMED]
    if any(value is not None for value in named):
        values = named  # a record of the script's own
    numbers = []
    for value in list(values)[:4]:
        item = value.item() if hasattr(value, "item") and _entries(value) == 1 else value
        if isinstance(item, float):
            numbers.append(item)
    return numbers


def _entries(value: Any) -> Any:
    """Return how many entries an array has, of torch or of others; 1 for a number."""
    return value.numel() if hasattr(value, "numel") else getattr(value, "size", 1)
