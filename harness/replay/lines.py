"""Cuts the bytes that a run prints into lines with the time at which each arrived.

Promises bounded memory: a line is kept up to `LINE_BYTES` and marked as cut; the stamp is the arrival of the
line's last byte. A carriage return begins the line anew, as a terminal shows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

LINE_BYTES: Final = 4096


class Line(NamedTuple):
    """One line of output."""

    seconds: float
    """When its end arrived."""
    text: str
    cut: bool
    """It was longer than what is kept."""


class LineCutter:
    """Takes chunks of bytes and gives whole lines."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._cut = False

    def feed(self, seconds: float, chunk: bytes) -> Iterator[Line]:
        """Yield the lines that this chunk completes."""
        *whole, rest = chunk.split(b"\n")
        for part in whole:
            self._hold(part)
            yield self._take(seconds)
        self._hold(rest)

    def close(self, seconds: float) -> Iterator[Line]:
        """Yield what the run left without a line end."""
        if self._held or self._cut:
            yield self._take(seconds)

    def _hold(self, part: bytes) -> None:
        """Keep what fits of one more part of the line."""
        room = LINE_BYTES - len(self._held)
        self._cut = self._cut or len(part) > room
        self._held += part[: max(room, 0)]

    def _take(self, seconds: float) -> Line:
        """Return the line held so far and begin the next."""
        text = self._held.decode("utf-8", "replace").rstrip("\r").rpartition("\r")[2]
        line = Line(seconds, text, self._cut)
        self._held.clear()
        self._cut = False
        return line
