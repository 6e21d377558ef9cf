"""Watches one run from start to end: stamps, follows, stops.

Promises that a run past a limit is told to end at once, is killed with everything it started when it has not
ended `GRACE_SECONDS` later, and that nothing it started is alive when this returns.
"""

from __future__ import annotations

import queue
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from harness.replay.events import Event, Seen
from harness.replay.limits import Breach, Caps, breach
from harness.replay.phases import Tracker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from containers.engine.live import LiveExit
    from harness.replay.recording import Observation, Recording
    from harness.replay.running import Running

TICK_SECONDS: Final = 0.1
GRACE_SECONDS: Final = 1.0
DRAIN_SECONDS: Final = 3.0
"""Longest wait for more output once the run is gone."""
BACKLOG_SECONDS: Final = 120.0
"""Longest time for what a run that printed faster than we read had still under way."""
CHUNKS: Final = 512
"""Chunks of output held between reader and watcher; a faster run waits for us."""
QUEUED: Final = CHUNKS + 4096
"""All that is held; what others observed finds room beside the output."""


class Noted(NamedTuple):
    """Something another thread saw: output (bytes), a finished event, or the end of output (None)."""

    seconds: float
    what: bytes | Event | None


@dataclass(frozen=True, slots=True)
class Watched:
    """What became of a run."""

    exit: LiveExit
    wall_seconds: float
    """From the launch until the first process had ended."""
    breach: Breach | None
    """The limit it was stopped at."""
    interrupted: bool
    """The person at the keyboard stopped it."""
    left_behind: tuple[str, ...]
    tracker: Tracker


class Watcher:
    """Watches one run. Other observers put their events in with `note`."""

    def __init__(self, running: Running, recording: Recording, caps: Caps, launched: float) -> None:
        """Take a run that was started at `launched` on `time.monotonic`."""
        self._running, self._recording, self._caps, self._launched = running, recording, caps, launched
        self._queue: queue.Queue[Noted] = queue.Queue(QUEUED)
        self._room = threading.Semaphore(CHUNKS)
        self._closed = False
        self._alarm: Breach | None = None
        self.tracker = Tracker()

    def now(self) -> float:
        """Return the seconds since the launch."""
        return time.monotonic() - self._launched

    def note(self, event: Event) -> None:
        """Take an event from another thread; one too many is dropped rather than waited for."""
        try:
            self._queue.put_nowait(Noted(event.seconds, event))
        except queue.Full:
            self._recording.events.dropped += 1

    def stop_for(self, found: Breach) -> None:
        """End the run at the next tick for what another observer found."""
        self._alarm = self._alarm or found

    def watch(self, on_progress: Callable[[Tracker, float], None] | None = None) -> Watched:
        """Follow the run to its end."""
        threading.Thread(target=self._read, daemon=True).start()
        found, ended, interrupted = None, None, False
        try:
            found, ended = self._until_end(on_progress)
        except KeyboardInterrupt:
            interrupted = True
        if ended is None:
            ended = self._stop(found)
        wall = self.now()
        left = self._running.left_behind()
        # What was printed last is still under way; a daemon that holds the output open is not waited for.
        self._drain_to_the_end()
        self._running.kill()
        self._drain_to_the_end()
        gone = Event(wall, Seen.ENDED, {"code": ended.code, "signal": ended.signal})
        self._see([self._recording.observed(gone)])
        self._see(self._recording.close(wall))
        return Watched(ended, wall, found, interrupted, left, self.tracker)

    def _until_end(
        self, on_progress: Callable[[Tracker, float], None] | None
    ) -> tuple[Breach | None, LiveExit | None]:
        """Follow the run until it ends or passes a limit."""
        while True:
            self._drain()
            now = self.now()
            if on_progress is not None:
                on_progress(self.tracker, now)
            ended = self._running.poll()
            if ended is not None:
                return None, ended
            found = self._alarm or breach(self.tracker, self._caps, now)
            if found is not None:
                self._recording.observed(Event(now, Seen.STOPPED, {"why": found.why}))
                return found, None

    def _stop(self, found: Breach | None) -> LiveExit:
        """End the run: ask, wait a moment, kill."""
        self._running.terminate()
        deadline = self.now() + GRACE_SECONDS
        while self.now() < deadline:
            ended = self._running.poll()
            if ended is not None:
                return ended
            self._drain()
        self._running.kill()
        return self._wait()

    def _wait(self) -> LiveExit:
        """Return how a killed run ended."""
        while True:
            ended = self._running.poll()
            if ended is not None:
                return ended
            self._drain()

    def _read(self) -> None:
        """Stamp output the moment it comes. Runs in its own thread."""
        for chunk in self._running.chunks():
            arrived = self.now()
            self._room.acquire()
            self._queue.put(Noted(arrived, chunk))
        self._queue.put(Noted(self.now(), None))

    def _drain(self) -> None:
        """Take what comes within one tick."""
        deadline = self.now() + TICK_SECONDS
        while (left := deadline - self.now()) > 0:
            try:
                self._take(self._queue.get(timeout=left))
            except queue.Empty:
                return

    def _drain_to_the_end(self) -> None:
        """Take everything until the output is closed, nothing more comes, or it does not end."""
        deadline = self.now() + BACKLOG_SECONDS
        while not self._closed and self.now() < deadline:
            try:
                self._take(self._queue.get(timeout=DRAIN_SECONDS))
            except queue.Empty:
                return

    def _take(self, noted: Noted) -> None:
        """Record one thing and move on by it."""
        self._closed = self._closed or noted.what is None
        if isinstance(noted.what, bytes):
            self._room.release()
            self._see(self._recording.output(noted.seconds, noted.what))
        elif noted.what is not None:
            self._see([self._recording.observed(noted.what)])

    def _see(self, observations: Iterable[Observation]) -> None:
        """Let the tracker follow."""
        for observation in observations:
            self.tracker.see(observation.event, observation.statement)
