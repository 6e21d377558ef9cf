"""Collect what comes out of a box: the supervisor's lines, and the command's output.

Each runs in a thread of its own, keeps at most a fixed number of bytes and never stops reading, so that a
flood neither fills our memory nor blocks the box.
"""

from __future__ import annotations

import json
import threading
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from containers.result import Observed, ScratchFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_MAX_LINE = 64 << 20
"""The last look at 2000 files with long names stays far below."""
_OBSERVED = {field.name for field in fields(Observed)} - {"files", "unreadable", "left_behind", "complete"}


class Channel:
    """The supervisor's side of the run."""

    def __init__(self, chunks: Callable[[], Iterator[bytes]]) -> None:
        """Start reading."""
        self.ready = threading.Event()
        self.ended = threading.Event()
        self.failed = ""
        """Why the supervisor does not let the command start."""
        self.report: list[dict[str, Any]] = []
        self.malformed = 0
        self.observed = Observed()
        self._chunks = chunks
        threading.Thread(target=self._read, name="referee-channel", daemon=True).start()

    def _read(self) -> None:
        rest = b""
        try:
            for chunk in self._chunks():
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    self._take(line)
                if len(rest) > _MAX_LINE:
                    break
        finally:
            # Nobody may wait for a supervisor that is gone.
            self.ready.set()
            self.ended.set()

    def _take(self, line: bytes) -> None:
        record = json.loads(line)
        if "report" in record:
            self._reported(record["report"], record.get("sender"))
        elif "ready" in record:
            self.ready.set()
        elif "failed" in record:
            self.failed = str(record["failed"])
        elif "seen" in record:
            self.observed = self._observed(record["seen"], complete=False)
        elif "end" in record:
            self.observed = self._observed(record["end"], complete=True)
            self.ended.set()

    def _reported(self, line: str, sender: int | None) -> None:
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            record = None
        if isinstance(record, dict):
            # Last word to the kernel's: a line may claim any sender it likes.
            self.report.append({**record, "sender": sender})
        else:
            self.malformed += 1

    def _observed(self, seen: dict[str, Any], *, complete: bool) -> Observed:
        values = {name: value for name, value in seen.items() if name in _OBSERVED}
        values["report_lines_dropped"] = values.get("report_lines_dropped", 0) + self.malformed
        files = tuple(ScratchFile(**file) for file in seen.get("files", ()))
        unreadable, left = tuple(seen.get("unreadable", ())), tuple(seen.get("left_behind", ()))
        return Observed(files=files, unreadable=unreadable, left_behind=left, complete=complete, **values)


class Output:
    """What the command prints."""

    def __init__(self, chunks: Iterator[bytes], limit_bytes: int) -> None:
        """Start reading; keep so many bytes."""
        self.closed = threading.Event()
        self.total_bytes = 0
        self._kept = bytearray()
        self._limit = limit_bytes
        self._chunks = chunks
        threading.Thread(target=self._read, name="referee-output", daemon=True).start()

    def _read(self) -> None:
        try:
            for chunk in self._chunks:
                self.total_bytes += len(chunk)
                self._kept += chunk[: max(0, self._limit - len(self._kept))]
        except (OSError, ValueError):
            pass  # The box was removed while we read.
        finally:
            self.closed.set()

    def text(self) -> bytes:
        """Return what was kept, with a note when something was dropped."""
        kept = bytes(self._kept)
        dropped = self.total_bytes - len(kept)
        note = f"\n[referee: output cut, {dropped} bytes dropped after the first {len(kept)}]\n"
        return kept + note.encode() if dropped > 0 else kept
