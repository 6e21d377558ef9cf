"""Take one request through one box, the same way for every engine.

Promises a result whatever happens: a submission that floods, hangs, daemonises or kills what it can reach
ends with the ending it deserves; an engine that fails ends as NEVER_RAN with a failure. The box is gone when
this returns.
"""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

from containers.engine.channel import Channel, Output
from containers.engine.interface import EngineError
from containers.failure import FailureKind, classify, failed
from containers.result import Ending, Observed, SandboxResult

if TYPE_CHECKING:
    from containers.engine.interface import Box, Engine, Exit
    from containers.failure import Failure
    from containers.request import SandboxRequest

_READY_SECONDS = 30.0
_LAST_LOOK_SECONDS = 15.0
_LAST_OUTPUT_SECONDS = 0.5
_FIRST_POLL_SECONDS = 0.05
_POLL_SECONDS = 0.5
_FLOOD_FACTOR = 20


def run(engine: Engine, request: SandboxRequest) -> SandboxResult:
    """Run a request and return everything known about it; raises nothing for a failing engine."""
    started = time.monotonic()
    box = engine.box(request)
    session = _Session(box, request)
    failure = None
    try:
        session.go()
    except EngineError as error:
        failure = error.failure
    finally:
        box.remove()
    return session.result(engine, failure, time.monotonic() - started)


class _Session:
    """One run, step by step."""

    def __init__(self, box: Box, request: SandboxRequest) -> None:
        self.box = box
        self.request = request
        self.channel: Channel | None = None
        self.output: Output | None = None
        self.exit: Exit | None = None
        self.stopped: Ending | None = None
        self.wall_seconds = 0.0

    def go(self) -> None:
        """Start the box, run the command, take the last look."""
        self.box.start()
        self.channel = Channel(self.box.channel)
        ready = self.channel.ready.wait(_READY_SECONDS)
        if self.channel.failed:
            raise EngineError(classify(self.channel.failed))
        if not ready or self.channel.ended.is_set():
            raise EngineError(self._silence("did not start"))
        began = time.monotonic()
        try:
            self.output = Output(self.box.execute(), self.request.limits.output_bytes)
            self._wait(began)
        finally:
            self.wall_seconds = time.monotonic() - began
        # What was printed last may still be on its way; who keeps the stream open is not waited for.
        self.output.closed.wait(_LAST_OUTPUT_SECONDS if self.stopped is None else 0.0)
        self._last_look(self.channel)

    def _wait(self, began: float) -> None:
        """Wait for the command's end, or decide that it has had enough."""
        limits, pause = self.request.limits, _FIRST_POLL_SECONDS
        while self.exit is None:
            left = began + limits.wall_seconds - time.monotonic()
            if left <= 0:
                self.stopped = Ending.TIMED_OUT
                return
            self._pause(min(pause, left))
            if self._flooded():
                self.stopped = Ending.FLOODED
                return
            self.exit = self.box.poll()
            pause = min(2 * pause, _POLL_SECONDS)

    def _pause(self, seconds: float) -> None:
        assert self.output is not None
        if self.output.closed.is_set():
            time.sleep(min(seconds, _FIRST_POLL_SECONDS))
        else:
            self.output.closed.wait(seconds)

    def _flooded(self) -> bool:
        assert self.output is not None
        return self.output.total_bytes > _FLOOD_FACTOR * self.request.limits.output_bytes

    def _last_look(self, channel: Channel) -> None:
        """Ask the supervisor for what is left; a box that died with its command has nothing more to say."""
        if self.exit is not None and self.exit.box_gone:
            channel.ended.wait(1.0)
            return
        self.box.tell(b"end\n")
        channel.ended.wait(_LAST_LOOK_SECONDS)
        if not channel.observed.complete and self.stopped is None:
            raise EngineError(self._silence("went silent"))

    def _silence(self, what: str) -> Failure:
        """Return why the supervisor says nothing: the engine's reason where it gave one."""
        words = self.box.last_words()
        known = classify(words)
        if words and known.kind is not FailureKind.UNKNOWN:
            return known
        return failed(FailureKind.SUPERVISOR_LOST, f"the supervisor {what}" + (f": {words}" if words else ""))

    def result(self, engine: Engine, failure: Failure | None, total_seconds: float) -> SandboxResult:
        """Put together what is known."""
        ending, code, number = (Ending.NEVER_RAN, None, None) if failure else self._ending()
        channel, output = self.channel, self.output
        return SandboxResult(
            ending=ending,
            exit_code=code,
            signal=number,
            wall_seconds=self.wall_seconds,
            overhead_seconds=total_seconds - self.wall_seconds,
            output=output.text() if output else b"",
            output_bytes=output.total_bytes if output else 0,
            report=tuple(channel.report) if channel else (),
            observed=channel.observed if channel else Observed(),
            engine=engine.name,
            engine_version=engine.version,
            image=self.box.image,
            missing_isolation=self.box.missing_isolation,
            failure=failure,
        )

    def _ending(self) -> tuple[Ending, int | None, int | None]:
        """Return ending, exit code and signal."""
        if self.stopped is not None or self.exit is None:
            return self.stopped or Ending.TIMED_OUT, None, None
        number = self.exit.code - 128 if 128 < self.exit.code < 128 + signal.NSIG else None
        killed_for_memory = self.channel is not None and self.channel.observed.oom_kills > 0
        if number == signal.SIGKILL and (killed_for_memory or self.exit.out_of_memory):
            return Ending.OUT_OF_MEMORY, None, number
        if number is not None:
            return Ending.SIGNALLED, None, number
        return Ending.EXITED, self.exit.code, None
