"""Where tasks run: on the cores of this machine, or on a Ray cluster. Both end a task that overstays.

Promises one `Done` for every task, in any order, whatever the task does; and, when the caller stops early,
that no worker outlives it. A task that runs out of memory is tried again in a worker of its own, so that the
answer does not hang on what the worker did before. Libraries schedule; nothing here does.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from audits.errors import UserError
from harness.sweep.containment import OUT_OF_MEMORY

EXECUTORS = ("local", "ray")


@dataclass(frozen=True, slots=True)
class Task:
    """One call of a function of `harness.sweep.work`."""

    key: Any
    """Tells the caller which task was done."""
    function: Callable[..., Any]
    arguments: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Done:
    """How one task ended."""

    key: Any
    result: Any
    cause: str = ""
    """Why there is no result, else empty."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one task may use."""

    seconds: float = 20.0
    memory_megabytes: int = 600


class Executor(ABC):
    """Runs tasks in other processes."""

    jobs: int
    """Workers."""

    def run(self, tasks: Iterable[Task]) -> Iterator[Done]:
        """Yield how each task ended, as they end; the keys of the tasks differ."""
        running: dict[Any, Task] = {}
        short: list[Task] = []
        for done in self._run(_noted(tasks, running)):
            task = running.pop(done.key)
            if done.cause == OUT_OF_MEMORY:
                short.append(task)
            else:
                yield done
        if short:
            yield from self._run_apart(short)

    @abstractmethod
    def _run(self, tasks: Iterable[Task]) -> Iterator[Done]:
        """Yield how each task ended, as they end."""

    @abstractmethod
    def _run_apart(self, tasks: Iterable[Task]) -> Iterator[Done]:
        """Yield how each task ended in a worker that did nothing before."""

    @abstractmethod
    def close(self) -> None:
        """End every worker at once."""


def _noted(tasks: Iterable[Task], running: dict[Any, Task]) -> Iterator[Task]:
    """Pass tasks on, and remember each by its key."""
    for task in tasks:
        running[task.key] = task
        yield task


def timed_out(seconds: float) -> str:
    """Return the cause of a task that overstayed."""
    return f"timed out after {seconds:g} s"


WORKER_DIED = "the worker died (killed, or a crash in native code)"


def open_executor(name: str, jobs: int | None, limits: Limits) -> Executor:
    """Return the executor called `name` with `jobs` workers (all cores when None)."""
    # Workers each use one core: a thread pool under every one of them would only get in the way.
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    if name == "local":
        from harness.sweep.local_executor import LocalExecutor

        return LocalExecutor(jobs or os.cpu_count() or 1, limits)
    if name == "ray":
        from harness.sweep.ray_executor import RayExecutor

        return RayExecutor(jobs, limits)
    raise UserError(f"there is no executor called {name!r}", "choose one of " + ", ".join(EXECUTORS))
