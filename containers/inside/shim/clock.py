"""A clock that advances by being read, for runs that must repeat exactly.

Installed only when a job asks for it.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable

from .patching import put, used

TICK_SECONDS = 1e-4
START_SECONDS = 1_750_000_000.0


def install() -> None:
    """Replace the clocks that scripts read; sleeping advances nothing and returns at once."""
    used("virtual-clock", f"{TICK_SECONDS} s a read")
    ticks = itertools.count()

    def seconds(start: float) -> Callable[[], float]:
        return lambda: start + next(ticks) * TICK_SECONDS

    put(time, "time", seconds(START_SECONDS))
    for name in ("perf_counter", "monotonic", "process_time"):
        put(time, name, seconds(0.0))
        put(time, name + "_ns", lambda: int(next(ticks) * TICK_SECONDS * 1e9))
    put(time, "time_ns", lambda: int((START_SECONDS + next(ticks) * TICK_SECONDS) * 1e9))
    put(time, "sleep", lambda _: None)
