"""Where downloads are kept between builds."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder(name: str) -> Path:
    """Return a folder of that name in the user's cache, made when missing."""
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = root / "referee" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder
