"""Sees files of a run appear and be opened, from outside, by inotify on the folder it may write to.

Tells nothing where the host's kernel does not report what happens in the folder (macOS, network drives):
`watch_files` then returns None and the phases between training and scoring stay one interval.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

from harness.replay.events import Event, Seen

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from watchdog.events import FileSystemEvent
    from watchdog.observers.api import BaseObserver

MIN_BYTES: Final = 1024
"""Smaller files are markers and settings, never an artifact."""
MAX_REMEMBERED: Final = 10_000
"""Written files whose opening is noticed."""
_TEXT: Final = (".txt", ".log", ".csv", ".json", ".jsonl", ".md", ".py", ".pyc", ".lock")


def may_be_artifact(path: str, size: int) -> bool:
    """Return whether a file of this name and size can hold a model."""
    return size >= MIN_BYTES and not path.lower().endswith(_TEXT)


def watch_files(folder: Path, now: Callable[[], float], note: Callable[[Event], None]) -> BaseObserver | None:
    """Start to report files under `folder`; the caller stops what is returned."""
    if sys.platform != "linux":
        return None
    from watchdog.observers import Observer

    observer = Observer()
    observer.schedule(_handler(folder, now, note), str(folder), recursive=True)
    observer.start()
    return observer


def _handler(folder: Path, now: Callable[[], float], note: Callable[[Event], None]):  # type: ignore[no-untyped-def]
    """Return what watchdog calls: files closed after writing, files opened once they were written."""
    from watchdog.events import FileClosedEvent, FileMovedEvent, FileOpenedEvent, FileSystemEventHandler

    written: set[str] = set()

    class Handler(FileSystemEventHandler):
        def on_any_event(self, event: FileSystemEvent) -> None:
            seconds = now()
            path = os.fsdecode(event.dest_path if isinstance(event, FileMovedEvent) else event.src_path)
            if isinstance(event, FileClosedEvent | FileMovedEvent):
                size = _size(path)
                if size is not None and may_be_artifact(path, size):
                    if len(written) < MAX_REMEMBERED:
                        written.add(path)
                    data = {"path": os.path.relpath(path, folder), "bytes": size}
                    note(Event(seconds, Seen.FILE_WRITTEN, data))
            elif isinstance(event, FileOpenedEvent) and path in written:
                note(Event(seconds, Seen.FILE_READ, {"path": os.path.relpath(path, folder)}))

    return Handler()


def _size(path: str) -> int | None:
    """Return the size of a regular file, None for anything else."""
    import stat

    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None
