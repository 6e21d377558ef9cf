"""What the kernel says of the box: memory, processes, free space, refused routes.

Read from cgroup files (version 1 or 2), /proc and statvfs by the supervisor. A file that a kernel or an
engine does not show leaves its gauge empty; nothing is guessed. Peaks between two looks are seen only where
the kernel keeps them.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

WRITABLE = ("/scratch", "/tmp", "/dev/shm")
_MEMORY_PEAK = ("/sys/fs/cgroup/memory.peak", "/sys/fs/cgroup/memory/memory.max_usage_in_bytes")
_MEMORY_NOW = ("/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory/memory.usage_in_bytes")
_OOM = ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control")
_PIDS_NOW = ("/sys/fs/cgroup/pids.current", "/sys/fs/cgroup/pids/pids.current")
_PIDS_EVENTS = ("/sys/fs/cgroup/pids.events", "/sys/fs/cgroup/pids/pids.events")
_FULL_BELOW = 1 << 16
"""Fewer free bytes than this is a full file system: the last partial page never fills."""
_MAX_NAMES = 32
_MAX_NAME = 200


class Gauges:
    """Peaks over all looks so far."""

    def __init__(self, ended: Callable[[int, int], None] | None = None) -> None:
        """Start from the state before the command runs; `ended` is told each process that we bury."""
        self.ended = ended
        self.base = {"oom_kills": _counter(_OOM, "oom_kill"), "forks_refused": _counter(_PIDS_EVENTS, "max")}
        self.base["network_attempts"] = _unroutable()
        self.peak_memory: int | None = None
        self.peak_pids = 0
        self.peak_scratch = 0
        self.full = False
        self.forbidden = 0

    def look(self) -> None:
        """Take every gauge once and bury the processes that nobody else waits for."""
        memory = _number(_MEMORY_PEAK)
        memory = _number(_MEMORY_NOW) if memory is None else memory
        if memory is not None:
            self.peak_memory = max(self.peak_memory or 0, memory)
        pids = _number(_PIDS_NOW)
        self.peak_pids = max(self.peak_pids, _count_processes() if pids is None else pids)
        self._look_at_disks()
        self._bury()

    def readings(self) -> dict[str, Any]:
        """Return everything seen, as the fields of the host's record."""
        return {
            "oom_kills": _counter(_OOM, "oom_kill") - self.base["oom_kills"],
            "forks_refused": _counter(_PIDS_EVENTS, "max") - self.base["forks_refused"],
            "network_attempts": _unroutable() - self.base["network_attempts"],
            "forbidden_calls": self.forbidden,
            "peak_memory_bytes": self.peak_memory,
            "peak_pids": self.peak_pids,
            "peak_scratch_bytes": self.peak_scratch,
            "scratch_full": self.full,
        }

    def _look_at_disks(self) -> None:
        used = 0
        for path in WRITABLE:
            try:
                room = os.statvfs(path)
            except OSError:
                continue
            used += (room.f_blocks - room.f_bfree) * room.f_frsize
            out_of_inodes = room.f_files > 0 and room.f_ffree == 0
            self.full = self.full or out_of_inodes or room.f_bfree * room.f_frsize < _FULL_BELOW
        self.peak_scratch = max(self.peak_scratch, used)

    def _bury(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if self.ended is not None:
                self.ended(pid, status)
            self.forbidden += os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGSYS


def others() -> list[str]:
    """Return the names of the processes beside this one, zombies left out."""
    names = []
    for pid in _processes():
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:
                state = file.read(4096).rpartition(b")")[2].split()[0]
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                command = file.read(4096).replace(b"\0", b" ").strip()
            if state not in (b"Z", b"X"):
                names.append(command.decode("utf-8", "replace")[:_MAX_NAME] or f"process {pid}")
        except OSError:
            continue
        if len(names) >= _MAX_NAMES:
            break
    return names


def _processes() -> list[int]:
    own = os.getpid()
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) != own]


def _count_processes() -> int:
    return len(_processes()) + 1


def _number(paths: tuple[str, ...]) -> int | None:
    for path in paths:
        try:
            with open(path, "rb") as file:
                return int(file.read(64))
        except (OSError, ValueError):
            continue
    return None


def _counter(paths: tuple[str, ...], name: str) -> int:
    """Return a named counter of the first file that exists, 0 when there is none."""
    for path in paths:
        try:
            with open(path, "rb") as file:
                rows = dict(line.split(b" ", 1) for line in file.read(4096).splitlines() if b" " in line)
            return int(rows.get(name.encode(), 0))
        except (OSError, ValueError):
            continue
    return 0


def _unroutable() -> int:
    """Return how often this network namespace, which has no way out, was asked for one."""
    total = 0
    try:
        with open("/proc/net/snmp") as file:
            rows = [line.split() for line in file if line.startswith("Ip: ")]
        total += int(dict(zip(rows[0], rows[1], strict=True)).get("OutNoRoutes", 0))
    except (OSError, ValueError, IndexError):
        pass
    try:
        with open("/proc/net/snmp6") as file:
            rows = [line.split() for line in file]
        total += sum(int(row[1]) for row in rows if row[0] == "Ip6OutNoRoutes")
    except (OSError, ValueError, IndexError):
        pass
    return total
