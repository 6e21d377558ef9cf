"""Holds a run to the room on disk that its profile grants, since a folder of the host has no size of its own.

Promises that a run past its room is told to end within a second of the moment at which it is seen, and that a
disk that fills up under it is seen while it is full: what was deleted since cannot be seen at the end.
Blind to files that were deleted and are still open, until the disk itself runs short.
"""

from __future__ import annotations

import os
import shutil
import threading
from typing import TYPE_CHECKING, Final

from harness.replay.limits import Breach, Breached

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LOOK_SECONDS: Final = 0.5
MAX_ENTRIES: Final = 200_000
"""Files and folders of one run; beyond, counting them would cost the host more than the run gains."""
SPARE_BYTES: Final = 32 << 20
"""What is left to the host: its own records of this run have to fit."""
_BLOCK: Final = 512
"""Unit of st_blocks, whatever the file system."""


class Room:
    """Looks at one folder until it is stopped."""

    def __init__(
        self, folder: Path, limit_bytes: int, now: Callable[[], float], stop: Callable[[Breach], None]
    ) -> None:
        """Take the folder, what it may hold, the run's clock, and what ends the run."""
        self.folder, self._limit, self._now, self._stop = folder, limit_bytes, now, stop
        self.least_free_bytes = shutil.disk_usage(folder).free
        """The least that was free on the folder's disk at any look."""
        self._spare = min(SPARE_BYTES, self.least_free_bytes // 2)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="referee-room", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """End, with a last look at what is free."""
        self._done.set()
        self._thread.join()
        self._look_at_disk()

    def _run(self) -> None:
        while not self._done.wait(LOOK_SECONDS):
            found = self._look()
            if found is not None:
                self._stop(found)
                return

    def _look(self) -> Breach | None:
        """Return what the run is past. Its own room comes first: to fill the disk is no way out."""
        used, entries = used_bytes(self.folder, self._limit)
        free = self._look_at_disk()
        if used > self._limit:
            return self._breach(
                Breached.SCRATCH, f"it wrote more than the {self._limit:,} bytes of its profile"
            )
        if entries > MAX_ENTRIES:
            return self._breach(Breached.SCRATCH, f"it made more than {MAX_ENTRIES:,} files")
        if free < self._spare:
            why = f"the disk of this machine has {free:,} bytes left; the run had used {used:,}"
            return self._breach(Breached.DISK, why)
        return None

    def _look_at_disk(self) -> int:
        """Return what is free, and remember the least."""
        free = shutil.disk_usage(self.folder).free
        self.least_free_bytes = min(self.least_free_bytes, free)
        return free

    def _breach(self, breached: Breached, why: str) -> Breach:
        return Breach(breached, self._now(), 0.0, why)


def used_bytes(folder: Path, enough_bytes: int) -> tuple[int, int]:
    """Return bytes on disk and entries below a folder; counting ends once either is beyond its limit.

    Links are not followed, and what vanishes meanwhile is not counted.
    """
    used = entries = 0
    todo = [os.fspath(folder)]
    while todo:
        try:
            with os.scandir(todo.pop()) as found:
                for entry in found:
                    entries += 1
                    used += _bytes(entry)
                    if used > enough_bytes or entries > MAX_ENTRIES:
                        return used, entries
                    if entry.is_dir(follow_symlinks=False):
                        todo.append(entry.path)
        except OSError:
            continue
    return used, entries


def _bytes(entry: os.DirEntry[str]) -> int:
    """Return what one entry takes on disk: holes in a file take nothing."""
    try:
        return entry.stat(follow_symlinks=False).st_blocks * _BLOCK
    except OSError:
        return 0
