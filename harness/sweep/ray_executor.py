"""A Ray cluster: the one that RAY_ADDRESS names, else one on this machine. Needs the extra `ray`.

Every node reads the mirror under the same path.
"""

from __future__ import annotations

import logging
import os
from functools import cache
from itertools import islice
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from audits.errors import UserError
from harness.sweep.containment import attempt, prepare
from harness.sweep.executor import WORKER_DIED, Done, Executor, Limits, Task, timed_out

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_START_SECONDS = 30.0
"""A task may wait so long for its worker to start; Ray does not tell the driver when it does."""
_POLL_SECONDS = 0.5
_ENVIRONMENT = {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
"""Workers find a checkout by path; an installed Referee they find anyway."""


class RayExecutor(Executor):
    """Tasks of Ray, as many at a time as the cluster has cores."""

    def __init__(self, jobs: int | None, limits: Limits) -> None:
        try:
            import ray
        except ImportError:
            raise UserError("Ray is not installed", "pip install 'golf-referee[ray]'") from None
        self.ray, self.limits = ray, limits
        if not ray.is_initialized():
            address = os.environ.get("RAY_ADDRESS")
            ray.init(
                address=address,
                num_cpus=None if address else jobs,
                include_dashboard=False if not address else None,
                log_to_driver=False,
                logging_level=logging.ERROR,
                runtime_env={"env_vars": _ENVIRONMENT},
            )
        self.jobs = jobs or max(1, int(_resources(ray).get("CPU", 1)))
        self.remote = ray.remote(num_cpus=1, max_retries=0)(_confined)
        # Ray lends a worker that is there to any task of the same environment: another one calls for another.
        apart = {"env_vars": {**_ENVIRONMENT, "REFEREE_WORKER": "apart"}}
        self.remote_apart = ray.remote(num_cpus=1, max_retries=0, max_calls=1, runtime_env=apart)(_confined)

    def _run(self, tasks: Iterable[Task]) -> Iterator[Done]:
        """Yield how each task ended, as they end."""
        yield from self._run_by(self.remote, tasks)

    def _run_apart(self, tasks: Iterable[Task]) -> Iterator[Done]:
        """Yield how each task ended in a worker that did nothing before."""
        yield from self._run_by(self.remote_apart, tasks)

    def _run_by(self, remote: Any, tasks: Iterable[Task]) -> Iterator[Done]:
        waiting = iter(tasks)
        running: dict[Any, tuple[Task, float]] = {}
        while True:
            for task in islice(waiting, self.jobs - len(running)):
                reference = remote.remote(task.function, task.arguments, self.limits.memory_megabytes)
                running[reference] = (task, monotonic())
            if not running:
                return
            finished, _ = self.ray.wait(list(running), timeout=_POLL_SECONDS)
            for reference in finished:
                yield self._done(running.pop(reference)[0], reference)
            yield from self._ended(running)

    def _done(self, task: Task, reference: Any) -> Done:
        try:
            seconds, (result, cause) = self.ray.get(reference)
        except self.ray.exceptions.WorkerCrashedError:
            return Done(task.key, None, WORKER_DIED)
        if seconds > self.limits.seconds:
            return Done(task.key, None, timed_out(self.limits.seconds))
        return Done(task.key, result, cause)

    def _ended(self, running: dict[Any, tuple[Task, float]]) -> Iterator[Done]:
        """End tasks that overstay, and yield them."""
        for reference, (task, started) in list(running.items()):
            if monotonic() - started > self.limits.seconds + _START_SECONDS:
                self.ray.cancel(reference, force=True)
                del running[reference]
                yield Done(task.key, None, timed_out(self.limits.seconds))

    def close(self) -> None:
        """End every worker at once, and leave the cluster."""
        self.ray.shutdown()


@cache
def _prepare_once(memory_megabytes: int) -> None:
    """Make this process of Ray's a worker of ours, the first time it is given a task."""
    prepare(memory_megabytes)


def _confined(
    function: Any, arguments: tuple[Any, ...], memory_megabytes: int
) -> tuple[float, tuple[Any, str]]:
    """Return the seconds a task took, with its result and the cause of there being none."""
    _prepare_once(memory_megabytes)
    started = monotonic()
    outcome = attempt(function, arguments)
    return monotonic() - started, outcome


def _resources(ray: Any) -> dict[str, float]:
    """Return what the cluster has."""
    found: dict[str, float] = ray.cluster_resources()
    return found
