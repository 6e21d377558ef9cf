"""Limits that a worker takes on itself, so that one submission cannot take the machine down.

Promises a `MemoryError` where the analysis would grow past the limit. Time is kept by the executor, which
ends the worker: a loop in native code hears no signal.
"""

from __future__ import annotations

import gc
import resource
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

OUT_OF_MEMORY = "ran out of memory"
_MEGABYTE = 1024 * 1024
_TASKS_A_COLLECTION = 5
"""Trees that wait for the collector count against the limit: after 20 tasks a large payload did not fit."""
_tasks = 0


def confine(memory_megabytes: int) -> None:
    """Make this process a worker: load what every task needs, cap its memory, leave Ctrl-C to its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    prepare(memory_megabytes)


def prepare(memory_megabytes: int) -> None:
    """Load what every task needs, then cap what this process may hold in memory."""
    import datasketch  # noqa: F401  loaded for its numpy, which reserves far more than it uses
    import scipy.special  # noqa: F401

    from audits.rules import discover
    from harness.sweep import work  # noqa: F401

    discover()
    # The analysis pauses the collector anyway: trees live as long as a task. What is left over is collected
    # every few tasks, without looking again and again at what was loaded above.
    gc.collect()
    gc.freeze()
    gc.disable()
    limit_memory(memory_megabytes)


def limit_memory(megabytes: int) -> None:
    """Cap the memory that this process holds, counting from what it holds now.

    The kernel can only cap what is reserved (`RLIMIT_DATA`); what libraries reserve without touching it is
    allowed on top.
    """
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    reserved, held = (int(status[name].split()[0]) * 1024 for name in ("VmData", "RssAnon"))
    limit = megabytes * _MEGABYTE + max(0, reserved - held)
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
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
    finally:
        _collect_at_times()


def ran_short(traceback: str | None) -> bool:
    """Return whether a traceback ends in a `MemoryError`."""
    lines = (traceback or "").strip().splitlines()
    return bool(lines) and lines[-1].startswith("MemoryError")


def _collect_at_times() -> None:
    """Collect every few tasks; elsewhere than in a worker the collector does so by itself."""
    global _tasks
    _tasks += 1
    if _tasks % _TASKS_A_COLLECTION == 0 and not gc.isenabled():
        gc.collect()
        # What lives now is modules and caches, loaded since: no need to look at them again.
        gc.freeze()
