"""Fork a child for each stage from one process that has imported torch and the shim, and watch how it ends.

The parent sees exit status and time itself. What a child says of its stage comes through a pipe: a child
that ends without a word has not done its stage, whatever its exit status, and an answer that lacks the word
which the child was given at its start was written by somebody else.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import secrets
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from . import failures

MAX_ANSWER = 256 * 1024
MAX_HANDLES = 4096
"""Beyond any handle that we open."""
_forking = threading.Lock()
"""Held from the making of a pipe to its closing, so that no other child inherits an end."""
PATIENCE = 3.0
"""How many times its limit a stage may take by the clock: the limit is one of processor time, so that a busy
machine does not turn a script that works into one that never ends."""
_TICKS = os.sysconf("SC_CLK_TCK")
GRACE_SECONDS = 10.0
"""From the request to stop, which leaves a traceback, to the kill."""


FORGED = {"class": "ForgedAnswer", "message": "an answer for the stage that is not our program's"}


class StageTimeoutError(BaseException):
    """The stage has used up its time; raised into the child, so that its line is known."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How one stage ended."""

    ok: bool
    seconds: float
    cpu_seconds: float
    error: dict[str, Any] | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    """What the child says; untrusted."""


def run(stage: Callable[[], dict[str, Any]], seconds: float, keep: tuple[int, ...] = ()) -> Ended:
    """Run a stage in a child of its own for at most `seconds` of processor time.

    The child holds no handle but its output and those to `keep`; stages may run side by side, from threads.
    """
    word = secrets.token_hex(16)
    with _forking:
        reader, writer = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        started = time.monotonic()
        pid = os.fork()
        if pid == 0:
            _close_all_but({writer, *keep})
            _child(stage, writer, word)
        os.close(writer)
    answer, expired = _listen(reader, pid, seconds)
    os.close(reader)
    status, spent = _reap(pid, 0.5 if expired or answer else GRACE_SECONDS)
    _end_group(pid)
    return _ended(_parsed(answer, word), status, expired, (time.monotonic() - started, spent))


def _close_all_but(kept: set[int]) -> None:
    """Close what the parent holds for others."""
    edges = [2, *sorted(kept), MAX_HANDLES]
    for low, high in itertools.pairwise(edges):
        os.closerange(low + 1, high)


def _child(stage: Callable[[], dict[str, Any]], writer: int, word: str) -> None:
    """Run the stage, say how it went, and leave without unwinding what belongs to the parent."""
    os.setpgid(0, 0)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGUSR1, _expire)
    answer: dict[str, Any]
    try:
        answer = {"ok": True, "facts": stage()}
    except BaseException as error:
        answer = {"ok": False, "error": failures.described(error)}
    with contextlib.suppress(Exception):
        sys.stdout.flush()
        sys.stderr.flush()
    answer["word"] = word
    data = json.dumps(answer, default=repr).encode()[:MAX_ANSWER]
    with contextlib.suppress(OSError):
        os.write(writer, len(data).to_bytes(4, "big"))
        while data:
            data = data[os.write(writer, data) :]
    os._exit(0 if answer["ok"] else 1)


def _expire(number: int, frame: Any) -> None:
    raise StageTimeoutError("the stage has used up its time")


def _listen(reader: int, pid: int, seconds: float) -> tuple[bytes, bool]:
    """Return what the child said (empty when it ended without) and whether its time ran out."""
    data, expired = b"", False
    deadline = time.monotonic() + PATIENCE * seconds
    while True:
        left = deadline - time.monotonic()
        if not expired and _processor_seconds(pid) > seconds:
            left = 0.0
        if left <= 0 and not expired:
            expired, deadline = True, time.monotonic() + GRACE_SECONDS
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGUSR1)
            continue
        if left <= 0:
            return data, True
        gone = _is_gone(pid)  # asked first: what it said before it ended is in the pipe by now
        ready, _, _ = select.select([reader], [], [], 0.0 if gone else min(left, 1.0))
        if ready:
            piece = os.read(reader, 65536)
            data += piece
            if not piece or _is_whole(data) or len(data) > MAX_ANSWER + 4:
                return data, expired
        elif gone:
            return data, expired


def _processor_seconds(pid: int) -> float:
    """Return the processor time of a child and of those it has waited for."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / _TICKS
    except (OSError, ValueError):
        return 0.0


def _is_whole(data: bytes) -> bool:
    return len(data) >= 4 and len(data) >= 4 + int.from_bytes(data[:4], "big")


def _is_gone(pid: int) -> bool:
    """Return whether the child has ended: others may hold the pipe open."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _reap(pid: int, patience: float) -> tuple[int, float]:
    """Return a child's status and the processor time of it and of those it has waited for."""
    until = time.monotonic() + patience
    while True:
        done, status, used = os.wait4(pid, os.WNOHANG)
        if not done and time.monotonic() > until:
            os.kill(pid, signal.SIGKILL)
            done, status, used = os.wait4(pid, 0)
        if done:
            return status, used.ru_utime + used.ru_stime
        time.sleep(0.01)


def _end_group(pid: int) -> None:
    """End what the child has left behind."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _ended(said: dict[str, Any] | None, status: int, expired: bool, times: tuple[float, float]) -> Ended:
    seconds = times[0]
    if said == FORGED:
        return Ended(False, *times, dict(FORGED))
    if expired:
        error = (said or {}).get("error") or {"class": "StageTimeoutError", "message": ""}
        error = {**error, "class": "StageTimeoutError", "message": f"not done after {seconds:.0f} s"}
        return Ended(False, *times, error)
    if said is None:
        return Ended(False, *times, _silent(status))
    ok = bool(said.get("ok"))
    if ok and status != 0:
        # It said that it was done and then was ended: whoever said so did not leave as we do.
        return Ended(False, *times, _silent(status))
    return Ended(ok, *times, said.get("error"), said.get("facts") or {})


def _parsed(answer: bytes, word: str) -> dict[str, Any] | None:
    """Return what the child said; an answer without the word that we gave it is somebody else's."""
    try:
        said = json.loads(answer[4:])
    except ValueError:
        return None
    if not isinstance(said, dict):
        return None
    return said if said.pop("word", "") == word else dict(FORGED)


def _silent(status: int) -> dict[str, Any]:
    """Describe a child that ended without saying how its stage went."""
    if os.WIFSIGNALED(status):
        name = signal.Signals(os.WTERMSIG(status)).name
        return {"class": "Killed", "message": f"ended by {name}", "signal": name}
    code = os.WEXITSTATUS(status)
    return {"class": "ExitedEarly", "message": f"exit status {code} before the script was done", "exit": code}
