"""The files a script can see: those of the folder, and those it writes itself before running them.

Paths are text only. `__file__` lies under a made-up root; nothing here touches a real file system.
"""

from __future__ import annotations

import posixpath

from audits.submission import Submission
from audits.unpack.values import UNKNOWN, Data, Unknown, Value

ROOT = "/repository"
TEMPORARY = "/written"
MAX_WRITTEN = 512


class FolderFiles:
    """Resolves path texts of one script."""

    def __init__(self, submission: Submission, own_path: str) -> None:
        """Remember whose paths are resolved."""
        self.submission = submission
        self.own_path = own_path
        self.root = f"{ROOT}/records/{submission.track or 'track'}/{submission.folder or 'folder'}"
        self.written: dict[str, Data] = {}

    @property
    def dunder_file(self) -> str:
        """What `__file__` holds."""
        return f"{self.root}/{self.own_path}"

    def locate(self, path: str) -> str | None:
        """Return the folder-relative path of the committed file that a path text names, or None."""
        if not path or len(path) > 1024 or "\0" in path:
            return None
        folder = self.submission.folder
        for candidate in self._candidates(posixpath.normpath(path.replace("\\", "/")), folder):
            if self.submission.file(candidate) is not None:
                return candidate
        return None

    def _candidates(self, path: str, folder: str) -> list[str]:
        if path.startswith(self.root + "/"):
            return [path[len(self.root) + 1 :]]
        found = []
        if folder and f"/{folder}/" in f"/{path}":
            found.append(f"/{path}".split(f"/{folder}/", 1)[1])
        if not path.startswith("/"):
            found += [path, posixpath.normpath(posixpath.join(posixpath.dirname(self.own_path), path))]
        return found

    def read(self, path: str, binary: bool) -> Value:
        """Return the content under a path: what the script wrote there, else the committed file."""
        key = posixpath.normpath(path)
        if key in self.written:
            return _as_mode(self.written[key], binary)
        located = self.locate(path)
        entry = self.submission.file(located) if located else None
        if entry is None or entry.truncated or entry.absent or entry.unread:
            return Unknown(packed=entry is not None and entry.suffix in (".lzma", ".xz", ".br", ".zst"))
        return _as_mode(Data(entry.data, raw_bytes=entry.size, file=entry.path), binary)

    def write(self, path: str, value: Value) -> None:
        """Remember what the script writes, so that running it later can be followed."""
        if isinstance(value, Data) and len(self.written) < MAX_WRITTEN:
            self.written[posixpath.normpath(path)] = value


def _as_mode(data: Data, binary: bool) -> Value:
    if binary and isinstance(data.value, str):
        return data.like(data.value.encode("utf-8", "replace"))
    if not binary and isinstance(data.value, bytes):
        try:
            return data.like(data.value.decode("utf-8-sig"))
        except UnicodeDecodeError:
            return UNKNOWN
    return data
