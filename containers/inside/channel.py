"""Send reports, one JSON object a line, to the supervisor's socket (or to a file where there is no
supervisor).

Promises that a report never raises into the submission and never grows without bound. Promises nothing
about truth: the submission lives in the same process and may write here too.
"""

from __future__ import annotations

import json
import os
import socket
import threading
from typing import Any

MAX_TEXT = 4000
"""Longest text in a report, in characters."""
MAX_LINE = 24_000
"""Longest line, in bytes; a longer report is cut down to its event."""
MAX_REPORTS = 5000
"""Reports of one process."""


class Channel:
    """A way out for reports, opened anew in every process that uses it."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._owner = 0
        self._sent = 0
        self._socket: socket.socket | None = None
        self._file = -1

    def send(self, event: str, **fields: Any) -> None:
        """Report one event."""
        if not self.path or self._sent >= MAX_REPORTS:
            return
        self._sent += 1
        line = _line({"event": event, **fields})
        with self._lock:
            try:
                self._write(line)
            except OSError:
                self._owner = 0

    def forget(self) -> None:
        """Let go of what a fork brought along: the supervisor knows a sender by who opened the connection."""
        self._lock = threading.Lock()
        if self._socket is not None:
            self._socket.close()
        self._socket, self._owner = None, 0

    def _write(self, line: bytes) -> None:
        if self._owner != os.getpid():
            self._open()
        if self._socket is not None:
            self._socket.sendall(line)
        else:
            os.write(self._file, line)

    def _open(self) -> None:
        self._socket, self._file = None, -1
        if os.path.exists(self.path) and not os.path.isfile(self.path):
            self._socket = _connected(self.path)
        if self._socket is None:
            self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._owner = os.getpid()


def _connected(path: str) -> socket.socket | None:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
        made = socket.socket(socket.AF_UNIX, kind | socket.SOCK_CLOEXEC)
        try:
            made.connect(path)
        except OSError:
            made.close()
        else:
            return made
    return None


def _line(report: dict[str, Any]) -> bytes:
    data = json.dumps(shortened(report), ensure_ascii=True, default=repr).encode() + b"\n"
    if len(data) > MAX_LINE:
        data = json.dumps({"event": report["event"], "cut": len(data)}).encode() + b"\n"
    return data


def shortened(value: Any, depth: int = 0) -> Any:
    """Return the value with long texts, lists and non-finite numbers made fit for JSON."""
    if depth > 6:
        return "..."
    if isinstance(value, str):
        return value if len(value) <= MAX_TEXT else value[:MAX_TEXT] + f"... ({len(value)} characters)"
    if isinstance(value, float) and value - value != 0:
        return repr(value)
    if isinstance(value, dict):
        return {str(key)[:200]: shortened(item, depth + 1) for key, item in list(value.items())[:200]}
    if isinstance(value, list | tuple):
        return [shortened(item, depth + 1) for item in value[:200]]
    return value


CHANNEL = Channel(os.environ.get("REFEREE_REPORT", ""))
"""The channel of this process, and after a fork of each child."""
os.register_at_fork(after_in_child=CHANNEL.forget)
