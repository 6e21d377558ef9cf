"""All cores of this machine, with pebble: it ends the worker of a task that overstays and starts another."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures import TimeoutError as OverstayedError
from itertools import islice
from typing import TYPE_CHECKING, Any

from pebble import ProcessExpired, ProcessPool

from harness.sweep.containment import attempt, confine
from harness.sweep.executor import WORKER_DIED, Done, Executor, Limits, Task, timed_out

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_AHEAD = 3
"""Tasks that wait for each worker: enough that none idles, few enough that their arguments fit in memory."""
_TASKS_A_WORKER = 1000
"""A worker is replaced after so many, so that what the heap has lost is given back."""


class LocalExecutor(Executor):
    """A pool of processes."""

    def __init__(self, jobs: int, limits: Limits, tasks_a_worker: int = _TASKS_A_WORKER) -> None:
        self.limits, self.jobs = limits, jobs
        self.window = jobs * (1 + _AHEAD)
        # Spawned workers share no file handle and no lock with the process that owns the store.
        self.pool = ProcessPool(
            max_workers=jobs,
            max_tasks=tasks_a_worker,
            initializer=confine,
            initargs=(limits.memory_megabytes,),
            context=multiprocessing.get_context("spawn"),
        )

    def _run(self, tasks: Iterable[Task]) -> Iterator[Done]:
        """Yield how each task ended, as they end."""
        waiting = iter(tasks)
        running: dict[Future[Any], Task] = {}
        while True:
            for task in islice(waiting, self.window - len(running)):
                future: Future[Any] = self.pool.schedule(
                    attempt, args=[task.function, task.arguments], timeout=self.limits.seconds
                )
                running[future] = task
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                yield self._done(running.pop(future), future)

    def _run_apart(self, tasks: Iterable[Task]) -> Iterator[Done]:
        """Yield how each task ended in a worker that did nothing before."""
        apart = LocalExecutor(self.jobs, self.limits, tasks_a_worker=1)
        try:
            yield from apart._run(tasks)
        finally:
            apart.close()

    def _done(self, task: Task, future: Future[Any]) -> Done:
        error = future.exception()
        if error is None:
            result, cause = future.result()
            return Done(task.key, result, cause)
        if isinstance(error, OverstayedError):
            return Done(task.key, None, timed_out(self.limits.seconds))
        if isinstance(error, ProcessExpired):
            return Done(task.key, None, WORKER_DIED)
        raise error

    def close(self) -> None:
        """End every worker at once."""
        self.pool.stop()  # type: ignore[no-untyped-call]
        self.pool.join()
