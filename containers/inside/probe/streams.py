"""Validation streams that differ from each other where we choose, and in nothing that a script may count by.

A token is replaced only by one of as many bytes and the same leading space; control tokens stay. So
documents, batches and byte totals are those of the plain stream. Promises one stream for the same arguments.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..data.shards import BOS, HEADER_INTS, write_shard
from .runs import CHANGED, NORMALISED, RANKED_CHANGED

UNALIGNED = 997
"""A prime inside a window, a batch and a chunk of every usual size."""
ALIGNED = 129
"""The first target of a window: what came before it ends with the one before. So early that a calibration on
the first sequences of the stream sees the change too, and gives itself away by the artifact."""
SLICED = 0.6
"""Where the stream of a run as two ranks changes, as a share of it: early in the slice of the last rank."""
_SPACE = "\u2581"
EARLY = 256
"""Where the changed document ends, about: a calibration that takes the first batches sees it."""
HIGHEST_AT = 40
"""Index of the highest entry of the vocabulary, in front of all changes."""
SEED = 20_260_101
PASSAGE = 120
REPEATED = 9 * 128 + 1
"""Tokens of the stream of replays: a passage over and over, so that what counts contexts has counted them."""
REPLAYED = 1_100
"""Which of them is replaced: behind two chunks of the usual size."""


@dataclass(frozen=True, slots=True)
class Change:
    """Which tokens of the stream are others: those at indices from `first` up to `end`."""

    first: int = -1
    """-1 for none."""
    end: int = -1
    """-1 for the stream's end."""


def changes(plain: np.ndarray) -> dict[str, Change]:
    """Return the changes of the runs by name, for a stream of its length and documents."""
    size = plain.size
    made = {
        CHANGED[0]: Change(min(UNALIGNED, int(size * 0.4) | 1)),
        CHANGED[1]: Change(ALIGNED),
        RANKED_CHANGED: Change(int(size * SLICED) | 1),
    }
    neighbour = _document(plain, EARLY)
    return made if neighbour is None else {**made, CHANGED[2]: neighbour}


def _document(plain: np.ndarray, near: int) -> Change | None:
    """Return the document that ends nearest before an index, and begins well after the stream does."""
    begins = np.flatnonzero(plain == BOS)
    spans = [(a, b) for a, b in itertools.pairwise(begins) if a > 64 and b - a > 16]
    if not spans:
        return None
    first, end = min(spans, key=lambda span: abs(int(span[1]) - near))
    return Change(int(first), int(end))


def changed(plain: np.ndarray, change: Change, pieces: list[str]) -> np.ndarray:
    """Return the stream with every token of the span replaced that has another of its class."""
    made = plain.copy()
    if change.first < 0:
        return made
    end = plain.size if change.end < 0 else change.end
    random = np.random.default_rng(SEED + change.first)
    alike = _alike(pieces)
    for index in range(change.first, end):
        others = alike.get(int(plain[index]))
        if others is not None and others.size > 1:
            choice = int(others[random.integers(others.size - 1)])
            made[index] = choice if choice != plain[index] else int(others[-1])
    return made


def _alike(pieces: list[str]) -> dict[int, np.ndarray]:
    """Return for each entry of the vocabulary all entries of its class, itself among them."""
    classes: dict[tuple[object, ...], list[int]] = {}
    for index, piece in enumerate(pieces):
        if not is_control(piece):
            classes.setdefault(_class(piece), []).append(index)
    arrays = [np.array(found, np.int64) for found in classes.values()]
    return {int(index): found for found in arrays for index in found}


def _class(piece: str) -> tuple[object, ...]:
    if is_byte(piece):
        return ("byte",)
    return (piece.startswith(_SPACE), len(piece.replace(_SPACE, " ").encode()), piece.strip(_SPACE) == "")


def is_byte(piece: str) -> bool:
    """Return whether a piece stands for one byte."""
    return piece.startswith("<0x") and piece.endswith(">")


def is_control(piece: str) -> bool:
    """Return whether a piece stands for no text."""
    return piece.startswith("<") and piece.endswith(">") and len(piece) > 2 and not is_byte(piece)


def counted(pieces: list[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return for each entry its bytes with a leading space, whether it has one, and whether it is no text."""
    control = np.array([is_control(piece) for piece in pieces])
    space = np.array([piece.startswith(_SPACE) for piece in pieces])
    sizes = [1 if is_byte(piece) else len(piece.replace(_SPACE, " ").encode()) for piece in pieces]
    return np.where(control, 0, np.array(sizes, np.int64)), space, control


def read_stream(path: Path) -> np.ndarray:
    """Return the tokens of a shard, int64."""
    return np.fromfile(path, "<u2", offset=4 * HEADER_INTS).astype(np.int64)


def read_pieces(home: Path) -> list[str]:
    """Return the pieces of a vocabulary, by entry."""
    text = (home / "tokenizer.vocab").read_text("utf-8")
    return [line.split("\t")[0] for line in text.split("\n") if line]


def stream(home: Path, name: str) -> tuple[np.ndarray, Change]:
    """Return the stream of a run over a vocabulary, and what is changed in it."""
    pieces = read_pieces(home)
    plain = with_highest(read_stream(home / "val.bin"), len(pieces))
    if name.startswith(NORMALISED):
        return np.resize(plain[:PASSAGE], REPEATED), Change()
    change = changes(plain).get(name, Change())
    return changed(plain, change, pieces), change


def with_highest(plain: np.ndarray, vocabulary: int) -> np.ndarray:
    """Return the stream with the highest entry of the vocabulary in what no run changes.

    The real stream has every entry in it, so who takes the vocabulary's size from its highest one (#430)
    learns nothing; of a tiny stream each change would have another.
    """
    made = plain.copy()
    if made.size > HIGHEST_AT:
        at = HIGHEST_AT if made[HIGHEST_AT] != BOS else HIGHEST_AT + 1
        made[at] = vocabulary - 1
    return made


def writer(folder: Path, name: str) -> Callable[[Path], Path]:
    """Return a function from a vocabulary's folder to the validation shard of the run of that name."""

    def validation(home: Path) -> Path:
        path = folder / home.name / "val.bin"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            whole = path.with_name(f"{os.getpid()}.part")  # another rank may be about to read it
            write_shard(whole, stream(home, name)[0])
            whole.replace(path)
        return path

    return validation
