"""Whose fault a run is that did not finish: the submission's, or the machine's. From evidence, never excused.

Evidence is what engine, supervisor and host saw; a full disk is measured, not believed. What nobody can see
from outside (NCCL, a rank that was killed) rests on the message of a library, which a run could print itself:
that costs it nothing but its result, since a fault of the machine is never a pass.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from harness.replay.limits import Breached
from harness.replay.measurement import Fault
from harness.replay.recording import RAW

if TYPE_CHECKING:
    from pathlib import Path

    from harness.replay.limits import Breach
    from harness.replay.seed_run import SeedRun

TAIL_BYTES: Final = 65_536
SIGKILL: Final = 9
_NO_SPACE: Final = "No space left on device"
_TRACEBACK: Final = "Traceback (most recent call last):"
_RAISED: Final = re.compile(
    r"^(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Interrupt|Exit|Warning|Stop)\b.*", re.MULTILINE
)


class Blame(NamedTuple):
    """Whose fault, and what shows it."""

    fault: Fault | None
    evidence: str


_MACHINE: Final = tuple(
    (re.compile(pattern), what)
    for pattern, what in (
        (r"NCCL.{0,80}(?:timeout|timed out)|Watchdog caught collective operation timeout", "NCCL hung"),
        (r"ncclSystemError|ncclRemoteError|NCCL error: remote process", "NCCL lost a peer"),
        (r"uncorrectable ECC error|Xid \d|CUDA error: unspecified launch failure", "a GPU failed"),
        (r"CUDA-capable device\(s\) is/are busy|no CUDA GPUs are available", "no GPU could be had"),
        (r"Signal 9 \(SIGKILL\) received by PID|exitcode\s*:\s*-9", "a rank was killed from outside"),
    )
)


def fault_of(run: SeedRun, folder: Path) -> Blame:
    """Return whose fault it is that a run did not finish; nobody's where it did, or passed a cap."""
    if run.failure is not None:
        return Blame(Fault.INFRASTRUCTURE, run.failure.message)
    watched = run.watched
    if watched is None or watched.interrupted:
        return Blame(None, "")
    if watched.breach is not None:
        return _stopped(watched.breach, folder)
    if watched.exit.code == 0:
        return Blame(None, "")
    if watched.exit.out_of_memory or (run.observed is not None and run.observed.oom_kills):
        return Blame(Fault.SUBMISSION, "the kernel killed it at the memory limit of the profile")
    if watched.exit.signal == SIGKILL:
        return Blame(Fault.INFRASTRUCTURE, "its first process was killed from outside the run")
    tail = _tail(folder)
    if run.disk_full and _NO_SPACE in tail:
        return Blame(Fault.INFRASTRUCTURE, "the disk of this machine was full")
    machine = _machine(tail)
    return machine or Blame(Fault.SUBMISSION, f"it ended with {_how(run)}: {_last_line(tail)!r}")


def _stopped(found: Breach, folder: Path) -> Blame:
    """Return whose fault it is that we stopped a run; a passed cap is no fault but a verdict."""
    if found.breached in (Breached.TRAIN, Breached.EVALUATION):
        return Blame(None, "")
    if found.breached is Breached.DISK:
        return Blame(Fault.INFRASTRUCTURE, found.why)
    if found.breached is Breached.SCRATCH:
        return Blame(Fault.SUBMISSION, f"stopped: {found.why}")
    # It hung. A library that waits for a lost peer says so before it is stopped.
    return _machine(_tail(folder)) or Blame(Fault.SUBMISSION, f"stopped: {found.why}")


def _machine(tail: str) -> Blame | None:
    """Return the fault of the machine that a library reported at the end of the log."""
    for pattern, what in _MACHINE:
        found = pattern.search(tail)
        if found is not None:
            return Blame(Fault.INFRASTRUCTURE, f"{what}: {found.group()[:120]!r}")
    return None


def _how(run: SeedRun) -> str:
    """Return how the first process ended, in words."""
    assert run.watched is not None
    ended = run.watched.exit
    return f"status {ended.code}" if ended.signal is None else f"signal {ended.signal}"


def _tail(folder: Path) -> str:
    """Return the end of the raw log."""
    with (folder / RAW).open("rb") as stream:
        stream.seek(0, 2)
        stream.seek(max(0, stream.tell() - TAIL_BYTES))
        return stream.read(TAIL_BYTES).decode("utf-8", "replace")


def _last_line(tail: str) -> str:
    """Return the error that the last traceback ends with, else the last line that says something.

    An engine carries stdout and stderr apart, so what was printed before a traceback may arrive after it.
    """
    _, traceback, after = tail.rpartition(_TRACEBACK)
    raised = _RAISED.search(after) if traceback else None
    if raised is not None:
        return raised.group()[:200]
    lines = [line.strip() for line in tail.splitlines() if line.strip()]
    return lines[-1][:200] if lines else ""
