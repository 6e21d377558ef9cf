"""One long run in a box, watched from outside while it goes on.

`session` takes a request to its result; this hands out output, exit and reports as they come, for a caller
with limits of its own. The box and everything in it is gone after `kill` or `close`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from containers.engine.channel import Channel
from containers.engine.interface import EngineError
from containers.failure import FailureKind, classify, failed
from containers.result import Observed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from containers.engine.interface import Box, Engine
    from containers.request import SandboxRequest

_READY_SECONDS: Final = 60.0
_LAST_LOOK_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class LiveExit:
    """How the command ended, by the engine."""

    code: int | None
    """Exit status, None when a signal ended it."""
    signal: int | None = None
    out_of_memory: bool = False
    """The kernel killed it at the memory limit."""


class LiveRun:
    """A started box with the command running in it."""

    def __init__(self, engine: Engine, request: SandboxRequest) -> None:
        """Start the box and the command; raises EngineError, and nothing is left then."""
        self.box: Box = engine.box(request)
        self._looked = False
        try:
            self.box.start()
            self._channel = Channel(self.box.channel)
            self._wait_until_ready()
            self._chunks = self.box.execute()
        except BaseException:
            self.box.remove()
            raise

    @property
    def observed(self) -> Observed:
        """Return what the supervisor has seen so far; complete after `left_behind`."""
        return self._channel.observed

    @property
    def report(self) -> list[dict[str, Any]]:
        """Return the lines REPORTED by the process itself so far: untrusted."""
        return self._channel.report

    def chunks(self) -> Iterator[bytes]:
        """Yield output as it comes, stderr included."""
        try:
            yield from self._chunks
        except (OSError, ValueError):
            return  # The box was removed while we read.

    def poll(self) -> LiveExit | None:
        """Return how the command ended, None while it runs; raises EngineError when the engine is lost."""
        ended = self.box.poll()
        if ended is None:
            return None
        number = ended.code - 128 if 128 < ended.code < 193 else None
        memory = ended.out_of_memory or (number == 9 and self.observed.oom_kills > 0)
        return LiveExit(None if number else ended.code, number, memory)

    def terminate(self) -> None:
        """Ask every process of the run to end."""
        self.box.terminate()

    def left_behind(self) -> tuple[str, ...]:
        """Take the last look and return the names of processes that outlived the command."""
        if not self._looked:
            self._looked = True
            self.box.tell(b"end\n")
            self._channel.ended.wait(_LAST_LOOK_SECONDS)
        return self.observed.left_behind

    def kill(self) -> None:
        """End everything in the box and remove it."""
        self.box.remove()

    def _wait_until_ready(self) -> None:
        """Wait for the supervisor; raises EngineError with its last words."""
        ready = self._channel.ready.wait(_READY_SECONDS)
        if self._channel.failed:
            raise EngineError(classify(self._channel.failed))
        if not ready or self._channel.ended.is_set():
            words = self.box.last_words()
            raise EngineError(
                failed(FailureKind.SUPERVISOR_LOST, f"the supervisor did not start: {words}".rstrip(": "))
            )
