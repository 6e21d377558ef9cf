"""Watch files that the run writes and reads back, in its folder or beside it.

Seen by the interpreter's own notes of opened files, and torch's writer, which makes none.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from ..shim.patching import put
from .recorder import RECORDER
from .trace import Event, Kind

_WRITES = os.O_WRONLY | os.O_RDWR
_LOGS = (".txt", ".log", ".md", ".json", ".csv", ".tsv", ".py", ".cpp", ".c", ".so", ".o", ".cu")
loaded: list[Callable[[str, int], None]] = []
"""Called with path and number of every opening of a file that the run has written, before it is opened."""


class Files:
    """What this run has written, and how often it read of it."""

    def __init__(self, root: Path, shards: Path) -> None:
        self.root = os.path.realpath(root)
        self.shards = os.path.realpath(shards) + os.sep
        """Where the validation shards of this run lie, which we write ourselves."""
        self.validation = ""
        """The one that was opened last."""
        self.written: set[str] = set()
        self.loads = 0
        self.busy = False

    def install(self) -> None:
        """Begin to watch."""
        sys.addaudithook(self._hook)
        real = torch.save

        def save(obj: Any, f: Any, *args: Any, **kwargs: Any) -> Any:
            if isinstance(f, str | os.PathLike):
                self.wrote(os.path.realpath(os.fspath(f)))
            return real(obj, f, *args, **kwargs)

        put(torch, "save", save)

    def _hook(self, event: str, args: tuple[Any, ...]) -> None:
        if event != "open" or self.busy or not RECORDER.open:
            return
        path, mode, flags = args[0], args[1], args[2]
        if not isinstance(path, str | bytes | os.PathLike):
            return
        self.busy = True
        try:
            self.opened(os.path.realpath(os.fsdecode(path)), str(mode or ""), int(flags or 0))
        finally:
            self.busy = False

    def opened(self, path: str, mode: str, flags: int) -> None:
        """Note that a file is being opened, as Python tells it."""
        if path.startswith(self.shards):
            self.validation = path
        elif any(letter in mode for letter in "wax+") or (flags & _WRITES and not mode):
            self.wrote(path)
        elif path in self.written and os.path.exists(path):
            self.loads += 1
            for listener in loaded:
                listener(path, self.loads)
            RECORDER.put(Event(Kind.LOAD, phase=RECORDER.phase, text=self._name(path)))

    def wrote(self, path: str) -> None:
        """Note that a file is being written, where it may be an artifact."""
        inside = path.startswith((self.root, os.environ.get("REFEREE_SCRATCH", self.root), "/tmp/"))
        if inside and not path.endswith(_LOGS):
            self.written.add(path)
            RECORDER.put(Event(Kind.SAVE, phase=RECORDER.phase, text=self._name(path)))

    def _name(self, path: str) -> str:
        return os.path.relpath(path, self.root) if path.startswith(self.root) else path
