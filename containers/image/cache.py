"""Where downloads are kept between builds, and the lock that lets one process build at a time."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def cache_folder(name: str) -> Path:
    """Return a folder of that name in the user's cache, made when missing."""
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = root / "referee" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextlib.contextmanager
def build_lock(store: str) -> Iterator[None]:
    """Wait until no other process of this user builds for that store."""
    with (cache_folder("locks") / store).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
