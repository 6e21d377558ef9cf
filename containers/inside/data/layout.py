"""Lay the tiny data where a script looks for it.

At the paths that it names, read as relative to its own folder.

Promises that a path which exists stays as it is. Absolute paths outside the scratch are answered by one
inside.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..shim.patching import used
from .vocabulary import TRAIN_SHARDS, home_of, is_at_hand

DEFAULT_SIZE = 1024
COMMON = (1024, 8192)
_SIZE = re.compile(r"(?:sp|bpe|byte|_|v)(\d{3,5})(?!\d)")
_VOCAB = re.compile(
    r"""(?<!gram_)(?<!hash_)vocab_size["']?[^\n\d]{1,60}?(?<![*/%])(?<![*/%] )(\d[\d_]{2,6})\b""",
    re.IGNORECASE,
)
"""A number near the name that is no factor of something else."""
_DATASET = re.compile(r"fineweb\w*10B_[A-Za-z0-9_]+")
_CASE = re.compile(r"case_?ops|lossless_?caps", re.IGNORECASE)


class Layout:
    """Places files for one script."""

    def __init__(self, root: Path, repository: Path | None = None) -> None:
        self.root = root
        self.repository = repository or root
        self.size = DEFAULT_SIZE
        self.size_is_known = False
        self.only = False
        """Whether every path is answered by the one vocabulary, whatever size it names."""
        self.sidecars = False
        self.placed: dict[str, int] = {}
        self.validation: Callable[[Path], Path] = lambda home: home / "val.bin"
        """From a vocabulary's folder to the validation shard: the probe has shards of its own."""

    def learn(self, text: str) -> None:
        """Take from a source which vocabulary it is about and which data sets it names."""
        if not self.size_is_known:
            match = _VOCAB.search(text)
            if match and 256 <= int(match[1].replace("_", "")) <= 65536:
                self.size = int(match[1].replace("_", ""))
        self.sidecars = self.sidecars or "val_bytes" in text
        data = self.root / "data"
        for size in self._sizes():
            self.data_root(data, size)
        for name in sorted(set(_DATASET.findall(text)))[:20]:
            self.dataset(data / "datasets" / name)

    def __call__(self, key: str, value: Any) -> Any:
        """Return the path to use for what a script assigned to `key`, with something there."""
        if not isinstance(value, str | os.PathLike) or not os.fspath(value):
            return value
        text = os.fspath(value)
        if glob.glob(text) and key not in ("DATA_DIR", "DATA_PATH"):
            return value
        path = self.inside(text)
        self._fill(key, path)
        if os.fspath(path) != os.path.abspath(text):
            used("paths", f"{text} -> {path}")
            return type(value)(os.fspath(path)) if isinstance(value, str) else path
        return value

    def inside(self, text: str) -> Path:
        """Return the path itself where we may write, else one under the script's folder."""
        path = Path(os.path.abspath(os.path.join(self.root, os.path.expanduser(text))))
        if path.is_relative_to(self.repository):
            return path
        return self.root / "placed" / str(path).lstrip("/")

    def _fill(self, key: str, path: Path) -> None:
        if key == "TOKENIZER_PATH":
            self.tokenizer(path)
        elif key in ("TRAIN_FILES", "VAL_FILES", "VAL_BYTES_FILES"):
            self.dataset(path.parent)
        elif key == "DATA_DIR":
            for size in self._sizes():
                self.data_root(path, size)
            self.dataset(path, self.size)
        else:
            self.dataset(path)

    def data_root(self, root: Path, size: int) -> None:
        """Lay out one vocabulary under a folder as the challenge's own download does."""
        self.tokenizer(root / "tokenizers" / f"fineweb_{size}_bpe.model", size)
        self.dataset(root / "datasets" / f"fineweb10B_sp{size}", size)

    def _sizes(self) -> set[int]:
        """Return the vocabularies to lay out unasked: the script's, and the usual ones at hand."""
        if self.only:
            return {self.size}
        return {self.size, *(size for size in COMMON if is_at_hand(size))}

    def tokenizer(self, path: Path, size: int | None = None) -> None:
        """Put a tokenizer at the path, and its list of pieces beside it."""
        if path.suffix == "" and not path.exists():
            path = path / "tokenizer.model"
        home = home_of(size or self._size(path.name))
        _link(home / "tokenizer.model", path)
        _link(home / "tokenizer.vocab", path.with_suffix(".vocab"))

    def dataset(self, folder: Path, size: int | None = None) -> None:
        """Put the shards of a data set into the folder."""
        size = size or self._size(folder.name)
        if str(folder) in self.placed:
            return
        self.placed[str(folder)] = size
        home = home_of(size)
        if glob.glob(str(folder / "*train*.bin")):
            return
        for index in range(TRAIN_SHARDS):
            _link(home / f"train{index}.bin", folder / f"fineweb_train_{index:06d}.bin")
        _link(self.validation(home), folder / "fineweb_val_000000.bin")
        if _CASE.search(str(folder)):
            _link(home / "val_bytes.bin", folder / "fineweb_val_bytes_000000.bin")

    def _size(self, name: str) -> int:
        match = None if self.only else _SIZE.search(name)
        return int(match[1]) if match and 256 <= int(match[1]) <= 65536 else self.size


def _link(source: Path, target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            target.symlink_to(source)
    except OSError:
        return
