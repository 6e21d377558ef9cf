"""List what a run left in the box's writable folders, without trusting any of it.

Promises never to follow a link, block on a pipe, or read beyond fixed amounts of bytes and time. Folders
closed to the supervisor are named as such.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import stat
import time
from typing import Any

from referee_inside.gauges import WRITABLE

_MAX_FILES = 2000
_MAX_SEEN = 20_000
_MAX_DEPTH = 16
_MAX_FILE_BYTES = 256 << 20
_SECONDS = 6.0
_OURS = "/tmp/.referee"


class Listing:
    """Files found so far, and what of the budget is left."""

    def __init__(self) -> None:
        """Start the clock."""
        self.deadline = time.monotonic() + _SECONDS
        self.files: list[dict[str, Any]] = []
        self.left_out = 0
        self.unreadable: list[str] = []
        self.seen = 0

    def walk(self, folder: str, depth: int) -> None:
        """Add the regular files under a folder."""
        try:
            with os.scandir(folder) as found:
                entries = list(itertools.islice(found, _MAX_SEEN)) if depth <= _MAX_DEPTH else []
        except OSError:
            self.unreadable.append(_text(folder))
            return
        for entry in sorted(entries, key=lambda entry: entry.name):
            self.seen += 1
            if self.seen > _MAX_SEEN:
                self.left_out += 1
                return
            self.add(entry, depth)

    def add(self, entry: os.DirEntry[str], depth: int) -> None:
        """Add one entry, or walk into it."""
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError:
            return
        if stat.S_ISDIR(status.st_mode):
            if entry.path != _OURS:
                self.walk(entry.path, depth + 1)
        elif stat.S_ISREG(status.st_mode):
            if len(self.files) >= _MAX_FILES:
                self.left_out += 1
            else:
                digest = self.digest(entry.path, status)
                self.files.append({"path": _text(entry.path), "size_bytes": status.st_size, "sha256": digest})

    def digest(self, path: str, status: os.stat_result) -> str | None:
        """Return the SHA-256 of a file, None when it is large, closed, or time is up."""
        if status.st_size > _MAX_FILE_BYTES or time.monotonic() > self.deadline:
            return None
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            if not os.path.samestat(os.fstat(handle), status):
                return None
            return self._read(handle, status.st_size)
        except OSError:
            return None
        finally:
            os.close(handle)

    def _read(self, handle: int, size: int) -> str | None:
        sha = hashlib.sha256()
        while size > 0 and time.monotonic() <= self.deadline:
            data = os.read(handle, min(size, 1 << 20))
            if not data:
                return None
            sha.update(data)
            size -= len(data)
        return sha.hexdigest() if size == 0 else None


def list_files() -> dict[str, Any]:
    """Return what the writable folders hold, as fields of the host's record."""
    listing = Listing()
    for folder in WRITABLE:
        if os.path.isdir(folder):
            listing.walk(folder, 0)
    return {
        "files": listing.files,
        "files_left_out": listing.left_out,
        "unreadable": listing.unreadable[:100],
    }


def _text(path: str) -> str:
    return os.fsencode(path).decode("utf-8", "replace")
