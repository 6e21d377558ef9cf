"""Keeps what a run prints: every byte with its arrival, and apart from it the lines that state something.

    raw.log        the output as it came, cut at a cap
    arrivals.csv   seconds since the launch, offset in raw.log; a row a chunk, at most one a millisecond
    stated.log     the lines that state something, for the same parser that reads submitted logs; of very many
                   the first and the last
    events.jsonl   observations (harness.replay.events)

Promises bounded memory and disk whatever the run prints.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from harness.replay.events import Event, EventLog, Seen
from harness.replay.lines import LineCutter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.replay.lines import Line
    from harness.replay.statements import Dialect, Statement

RAW: Final = "raw.log"
ARRIVALS: Final = "arrivals.csv"
STATED: Final = "stated.log"
EVENTS: Final = "events.jsonl"
STAMP_SECONDS: Final = 0.001
LIFE_SECONDS: Final = 1.0
STATED_BYTES: Final = 48 << 20
STATED_LAST: Final = 1000
"""Lines that are kept from the end where there are more than fit: the result is among them."""
CUT_NOTE: Final = b"\n[referee: output beyond this point was counted and dropped]\n"


@dataclass(frozen=True, slots=True)
class Observation:
    """One event with what its line states."""

    event: Event
    statement: Statement | None = None


class Recording:
    """Writes the four files of one run and turns output into observations."""

    def __init__(self, folder: Path, dialect: Dialect, raw_bytes: int) -> None:
        self._dialect = dialect
        self._room = raw_bytes
        self._raw = (folder / RAW).open("wb")
        self._arrivals = (folder / ARRIVALS).open("w", encoding="ascii")
        self._stated = (folder / STATED).open("w", encoding="utf-8")
        self._events_file = (folder / EVENTS).open("w", encoding="ascii")
        self._arrivals.write("seconds,offset\n")
        self._cutter = LineCutter()
        self._stated_room = STATED_BYTES
        self._last_stated: deque[str] = deque(maxlen=STATED_LAST)
        self._left_out = 0
        self._stamped = self._lived = -1.0
        self.events = EventLog(self._events_file)
        self.output_bytes = 0
        """Bytes that the run printed, kept or not."""

    def output(self, seconds: float, chunk: bytes) -> Iterator[Observation]:
        """Keep a chunk of output and yield what its lines mean."""
        if seconds - self._stamped >= STAMP_SECONDS:
            self._arrivals.write(f"{seconds:.6f},{self.output_bytes}\n")
            self._stamped = seconds
        self.output_bytes += len(chunk)
        self._keep(chunk)
        for line in self._cutter.feed(seconds, chunk):
            yield from self._line(line)

    def observed(self, event: Event) -> Observation:
        """Keep an observation that is no output."""
        self.events.add(event)
        return Observation(event)

    def close(self, seconds: float) -> Iterator[Observation]:
        """Take the last unfinished line and close the files."""
        for line in self._cutter.close(seconds):
            yield from self._line(line)
        if self._left_out > STATED_LAST:
            self._stated.write(f"[referee: {self._left_out - STATED_LAST} lines are left out here]\n")
        self._stated.writelines(self._last_stated)
        for file in (self._raw, self._arrivals, self._stated, self._events_file):
            file.close()

    def _keep(self, chunk: bytes) -> None:
        """Write what fits below the cap."""
        if self._room <= 0:
            return
        self._raw.write(chunk[: self._room])
        self._room -= len(chunk)
        if self._room <= 0:
            self._raw.write(CUT_NOTE)
        self._raw.flush()

    def _state(self, text: str) -> None:
        """Write a line that states something, or hold it for the end once the file is long."""
        if self._stated_room > 0:
            self._stated.write(text)
            self._stated_room -= len(text)
        else:
            self._last_stated.append(text)
            self._left_out += 1

    def _line(self, line: Line) -> Iterator[Observation]:
        """Yield what one line means."""
        statement = self._dialect.read(line.text)
        if statement is None:
            if line.seconds - self._lived >= LIFE_SECONDS:
                self._lived = line.seconds
                yield self.observed(Event(line.seconds, Seen.SIGN_OF_LIFE, {}))
            return
        self._state(line.text + "\n")
        event = Event(line.seconds, Seen.LINE, {"states": statement.states.value, "text": statement.text})
        self.events.add(event)
        yield Observation(event, statement)
