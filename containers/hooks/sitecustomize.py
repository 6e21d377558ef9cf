"""Report what a replayed run tries that it must not: writing outside its folder, opening a way out.

Loaded by Python itself in every process of the run. An audit hook cannot be taken out again, but a run that
works around Python is not seen; the locks of the box hold all the same. What is reported is the process's own
word and only ever speaks against it.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from typing import Any

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_ALLOWED = ("/scratch/", "/tmp/", "/dev/", "/proc/self/", "/var/tmp/")
_LOCAL = ("127.", "localhost", "::1", "0.0.0.0")
_MAX_NOTES = 40
_noted: set[tuple[str, str]] = set()


def _send(kind: str, detail: str) -> None:
    key = (kind, detail)
    if key in _noted or len(_noted) >= _MAX_NOTES:
        return
    _noted.add(key)
    line = json.dumps({"event": "attempt", "kind": kind, "detail": detail[:300]}) + "\n"
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as channel:
            channel.settimeout(2.0)
            channel.connect(os.environ.get("REFEREE_REPORT", ""))
            channel.sendall(line.encode())
    except OSError:
        pass  # Nobody listens: the locks still hold.


def _outside(path: Any) -> str | None:
    """Return the real path where it lies outside of what may be written, else None."""
    if not isinstance(path, str | bytes | os.PathLike):
        return None
    text = os.path.realpath(os.fsdecode(path))
    return None if (text + "/").startswith(_ALLOWED) else text


def _opened(args: tuple[Any, ...]) -> None:
    path, _mode, flags = args
    if isinstance(flags, int) and flags & _WRITING:
        found = _outside(path)
        if found is not None:
            _send("write-outside", found)


def _changed(args: tuple[Any, ...]) -> None:
    found = _outside(args[0])
    if found is not None:
        _send("write-outside", found)


def _connected(args: tuple[Any, ...]) -> None:
    address = args[1]
    if isinstance(address, str | bytes):
        return  # A socket of this machine.
    host = str(address[0])
    if not host.startswith(_LOCAL):
        _send("network", f"connect to {host}")


def _looked_up(args: tuple[Any, ...]) -> None:
    host = args[0].decode("ascii", "replace") if isinstance(args[0], bytes) else str(args[0])
    if host and host != "None" and not host.startswith(_LOCAL) and host != socket.gethostname():
        _send("network", f"look up {host}")


_WATCHED = {
    "open": _opened,
    "os.mkdir": _changed,
    "os.remove": _changed,
    "os.rename": _changed,
    "os.rmdir": _changed,
    "os.truncate": _changed,
    "socket.connect": _connected,
    "socket.getaddrinfo": _looked_up,
    "socket.gethostbyname": _looked_up,
}


def _hook(event: str, args: tuple[Any, ...]) -> None:
    handler = _WATCHED.get(event)
    if handler is not None:
        try:
            handler(args)
        except Exception:  # A note never changes what the run sees.
            return


sys.addaudithook(_hook)
