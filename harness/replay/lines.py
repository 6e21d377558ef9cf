"""Cuts the bytes that a run prints into lines with the time at which each arrived.

Promises bounded memory: of a line its first `LINE_BYTES` are kept. The stamp is the arrival of the last byte
of its text: an unbuffered print writes text and line end apart, and more may happen between. A carriage
return begins the line anew, as a terminal shows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

LINE_BYTES: Final = 4096


class Line(NamedTuple):
    """One line of output."""

    seconds: float
    """When its text was complete."""
    text: str


class LineCutter:
    """Takes chunks of bytes and gives whole lines."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._complete: float | None = None
        """When the last byte of what is held arrived, None while nothing did."""

    def feed(self, seconds: float, chunk: bytes) -> Iterator[Line]:
        """Yield the lines that this chunk completes."""
        *whole, rest = chunk.split(b"\n")
        for part in whole:
            self._hold(seconds, part)
            yield self._take(seconds)
        self._hold(seconds, rest)

    def close(self, seconds: float) -> Iterator[Line]:
        """Yield what the run left without a line end."""
        if self._complete is not None:
            yield self._take(seconds)

    def _hold(self, seconds: float, part: bytes) -> None:
        """Keep what fits of one more part of the line."""
        if part:
            self._complete = seconds
            self._held += part[: LINE_BYTES - len(self._held)]

    def _take(self, seconds: float) -> Line:
        """Return the line held so far and begin the next."""
        text = self._held.decode("utf-8", "replace").rstrip("\r").rpartition("\r")[2]
        line = Line(seconds if self._complete is None else self._complete, text)
        self._held.clear()
        self._complete = None
        return line
