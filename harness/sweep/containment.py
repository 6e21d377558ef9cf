"""Limits that a worker takes on itself, so that one submission cannot take the machine down.

Promises a `MemoryError` where the analysis would grow past the limit. Time is kept by the executor, which
ends the worker: a loop in native code hears no signal.
"""

from __future__ import annotations

import resource
import signal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

OUT_OF_MEMORY = "ran out of memory"
_MEGABYTE = 1024 * 1024


def confine(memory_megabytes: int) -> None:
    """Cap the private memory of this process, and leave Ctrl-C to the process that gave the work out."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    limit_memory(memory_megabytes)


def limit_memory(megabytes: int) -> None:
    """Cap private memory (heap and anonymous mappings). Address space would count shared libraries too."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = megabytes * _MEGABYTE
    resource.setrlimit(resource.RLIMIT_DATA, (limit if hard < 0 else min(limit, hard), hard))


def attempt(function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[Any, str]:
    """Return what `function` gives with an empty cause, or None with the cause.

    Exceptions do not travel between processes: not every one of them survives being pickled.
    """
    try:
        return function(*arguments), ""
    except MemoryError:
        return None, OUT_OF_MEMORY
    except Exception as error:
        text = str(error).strip().splitlines()
        return None, f"{type(error).__name__}: {text[0][:300]}" if text else type(error).__name__
