"""What the harness observed during a run, one JSON object a line, in the order of arrival.

Times are seconds on the harness's monotonic clock since the launch. Promises bounded memory whatever the run
prints: lines are cut, and only those that state something are kept as events; the raw log keeps all of them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import IO

MAX_EVENTS: Final = 200_000
MAX_EVENT_BYTES: Final = 16_384


class Seen(StrEnum):
    """What kind of thing was observed."""

    LAUNCHED = "launched"
    LINE = "line"
    """A line of output arrived that states something (`field`, `text`)."""
    SIGN_OF_LIFE = "sign_of_life"
    """Output arrived that states nothing; kept at most once a second, for the time alone."""
    FILE_WRITTEN = "file_written"
    """A file in scratch was closed after writing (`path`, `bytes`)."""
    FILE_READ = "file_read"
    """A file was opened for reading (`path`)."""
    GPU_BUSY = "gpu_busy"
    GPU_IDLE = "gpu_idle"
    STOPPED = "stopped"
    """The harness ended the run (`why`)."""
    ENDED = "ended"
    """The last process of the run is gone (`exit_code`, `signal`)."""


@dataclass(frozen=True, slots=True)
class Event:
    """One observation."""

    seconds: float
    """Since the launch, monotonic, by the harness's clock."""
    seen: Seen
    data: dict[str, Any]

    def as_line(self) -> str:
        """Return the event as one line of JSON."""
        document = {"t": round(self.seconds, 6), "seen": self.seen.value, **self.data}
        return json.dumps(document, ensure_ascii=True, separators=(",", ":")) + "\n"


class EventLog:
    """Writes events as they come; what is written survives a kill."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self.count = 0
        """Events written."""
        self.dropped = 0
        """Events beyond the cap, counted only."""

    def add(self, event: Event) -> None:
        """Write one event; beyond the cap only ends and stops are still written."""
        if self.count >= MAX_EVENTS and event.seen not in (Seen.STOPPED, Seen.ENDED):
            self.dropped += 1
            return
        self._stream.write(event.as_line())
        self._stream.flush()
        self.count += 1


def read_events(path: Path) -> Iterator[Event]:
    """Yield the events of a run; a line that a kill cut short ends the reading.

    Raises ValueError for anything else that is not an event.
    """
    with path.open(encoding="utf-8") as stream:
        for number, line in enumerate(stream, 1):
            if not line.endswith("\n"):
                return
            yield _event(line, number)


def _event(line: str, number: int) -> Event:
    """Return the event of one line."""
    if len(line) > MAX_EVENT_BYTES:
        raise ValueError(f"event {number} is longer than {MAX_EVENT_BYTES} characters")
    document = json.loads(line)
    if not isinstance(document, dict) or not isinstance(document.get("t"), int | float):
        raise ValueError(f"event {number} has no time")
    seen = Seen(document.pop("seen"))
    return Event(float(document.pop("t")), seen, document)
