"""Note what a submission tries that no training run needs.

Network, tracing, other processes, our own modules.

Notes are reports of an instrumented process. The box refuses what matters, whether it is noted or not.
"""

from __future__ import annotations

import os
import sys
from types import FrameType
from typing import Any

from .channel import CHANNEL
from .shim import patching

MAX_NOTES = 40
_OURS = os.path.dirname(os.path.abspath(__file__))
_LOCAL = ("127.", "localhost", "::1", "0.0.0.0")
_noted: set[tuple[str, str]] = set()


def note(kind: str, detail: str) -> None:
    """Report an attempt once, with the line of the submission that made it."""
    key = (kind, detail[:200])
    if key in _noted or len(_noted) >= MAX_NOTES:
        return
    _noted.add(key)
    CHANNEL.send("attempt", kind=kind, detail=detail[:300], line=_line())


def _line() -> str:
    """Return `file:line` of the innermost frame that is neither Python's nor ours."""
    from .source.loader import foreign

    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        name = frame.f_code.co_filename
        if not name.startswith("<frozen") and not foreign(name):
            return f"{os.path.basename(name)}:{frame.f_lineno}"
        frame = frame.f_back
    return ""


def _is_theirs() -> bool:
    """Return whether the submission itself does this, not torch or Python on its behalf."""
    from .source.loader import foreign

    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_code.co_filename.startswith((_OURS, "<frozen")):
        frame = frame.f_back
    return frame is not None and not foreign(frame.f_code.co_filename)


def _network(event: str, args: tuple[Any, ...]) -> None:
    target = args[1] if event in ("socket.connect", "socket.sendto") and len(args) > 1 else args[:2]
    if isinstance(target, str | bytes):  # a socket of this machine
        return
    host = str(target[0]) if isinstance(target, tuple) and target else str(target)
    if not host.startswith(_LOCAL) and host not in ("", "None"):
        note("network", f"{event} {target!r}")


def _opened(event: str, args: tuple[Any, ...]) -> None:
    path = args[0]
    if not isinstance(path, str | bytes):
        return
    text = os.fsdecode(path)
    if text.startswith(("/proc/", "/sys/")) and any(
        word in text for word in ("/mem", "/environ", "/root", "/fd/")
    ):
        note("procfs", text)
    elif text.startswith(("/job/", _OURS)) and not text.endswith(".pyc") and _is_theirs():
        note("reads-referee", text)
    elif text.startswith(("/etc/shadow", "/var/run/docker", "/run/docker", "/root/")) and _is_theirs():
        note("host-path", text)


def _imported(event: str, args: tuple[Any, ...]) -> None:
    if str(args[0]).partition(".")[0] == "referee_inside" and _is_theirs():
        note("reads-referee", f"import {args[0]}")


def _traced(event: str, args: tuple[Any, ...]) -> None:
    if _is_theirs():
        note("tracing", event)


def _native(event: str, args: tuple[Any, ...]) -> None:
    name = str(args[-1])
    if name in (
        "ptrace",
        "process_vm_readv",
        "process_vm_writev",
        "mount",
        "unshare",
        "setns",
        "setuid",
        "setresuid",
    ):
        note("ptrace" if "ptrace" in name or "process_vm" in name else "privilege", name)


def _killed(event: str, args: tuple[Any, ...]) -> None:
    if args[0] not in (os.getpid(), 0) and _is_theirs():
        note("kill", f"{event} {args!r}")


_WATCHED = {
    "socket.connect": _network,
    "socket.getaddrinfo": _network,
    "socket.gethostbyname": _network,
    "socket.sendto": _network,
    "urllib.Request": lambda event, args: note("network", f"{event} {str(args[0])[:200]}"),
    "open": _opened,
    "os.listdir": _opened,
    "import": _imported,
    "sys.settrace": _traced,
    "sys.setprofile": _traced,
    "sys.addaudithook": _traced,
    "ctypes.dlsym": _native,
    "os.kill": _killed,
    "os.killpg": _killed,
}


def read_source(text: str) -> None:
    """Note a source that names our own package: what is loaded already is imported without a sound."""
    if "referee_inside" in text:
        note("reads-referee", "its source names referee_inside")


def watch() -> None:
    """Begin to note attempts in this process."""
    _noted.clear()

    def hook(event: str, args: tuple[Any, ...]) -> None:
        handler = _WATCHED.get(event)
        if handler is not None:
            try:
                handler(event, args)
            except Exception:  # a note must never change what the submission sees
                return

    sys.addaudithook(hook)


def tampered() -> list[str]:
    """Return which patches are no longer what the shim put there, and report them."""
    changed = []
    for (_, name), (owner, value) in patching.INSTALLED.items():
        if getattr(owner, name, None) is not value and not isinstance(owner, type):
            changed.append(f"{getattr(owner, '__name__', owner)}.{name}")
    if changed:
        CHANNEL.send("figure", name="patches_replaced", value=changed[:20])
    return changed
