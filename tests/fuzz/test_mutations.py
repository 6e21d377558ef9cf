"""Damaged folders: bytes flipped, cut, doubled and moved, lines shuffled, files swapped."""

from __future__ import annotations

import random
import time
import warnings
from typing import TYPE_CHECKING

import pytest

from tests.fuzz.checking import check
from tests.fuzz.seeds import folders

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.fuzz.seeds import Files

pytestmark = pytest.mark.fuzz
NASTY = (
    b"\x00",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"(" * 500,
    b"{" * 300,
    b"'" * 7,
    b"\\" * 9,
    b"\t" * 50,
    b"1e999",
    b"-" * 400,
)


def flip(data: bytes, source: random.Random) -> bytes:
    """Change a few bytes."""
    changed = bytearray(data)
    for _ in range(source.randint(1, 8)):
        if changed:
            changed[source.randrange(len(changed))] = source.randrange(256)
    return bytes(changed)


def cut(data: bytes, source: random.Random) -> bytes:
    """Leave something out."""
    start = source.randrange(len(data) + 1)
    return data[:start] + data[min(len(data), start + source.randint(1, 400)) :]


def double(data: bytes, source: random.Random) -> bytes:
    """Repeat a piece, here or elsewhere."""
    start = source.randrange(len(data) + 1)
    piece = data[start : start + source.randint(1, 300)] * source.randint(1, 40)
    place = source.randrange(len(data) + 1)
    return data[:place] + piece + data[place:]


def insert(data: bytes, source: random.Random) -> bytes:
    """Put something nasty in."""
    place = source.randrange(len(data) + 1)
    return data[:place] + source.choice(NASTY) + data[place:]


def shuffle(data: bytes, source: random.Random) -> bytes:
    """Move lines about."""
    lines = data.split(b"\n")
    for _ in range(source.randint(1, 6)):
        one, other = source.randrange(len(lines)), source.randrange(len(lines))
        lines[one], lines[other] = lines[other], lines[one]
    return b"\n".join(lines)


def rename_word(data: bytes, source: random.Random) -> bytes:
    """Replace one word by another everywhere."""
    words = [word for word in data.split() if word.isalnum()] or [b"x"]
    return data.replace(source.choice(words), source.choice(words))


CHANGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    flip,
    cut,
    double,
    insert,
    shuffle,
    rename_word,
)


def mutate(files: Files, source: random.Random) -> Files:
    """Return the folder with one to four changes."""
    changed = dict(files)
    for _ in range(source.randint(1, 4)):
        path = source.choice(sorted(changed))
        changed[path] = source.choice(CHANGES)(changed[path], source)
    if source.random() < 0.1 and len(changed) > 1:
        changed.pop(source.choice(sorted(changed)))
    return changed


def test_damaged_folders_are_answered(seconds_a_part: float, tmp_path: Path) -> None:
    deadline = time.monotonic() + seconds_a_part
    seed = random.SystemRandom().randrange(2**32)
    source = random.Random(seed)
    for number in range(10**9):
        if number and time.monotonic() > deadline:
            break
        name, files = source.choice(folders())
        check(mutate(files, source), tmp_path / str(number), f"seed {seed}, round {number}, {name}")


def test_damaged_scripts_that_still_compile_are_answered(seconds_a_part: float, tmp_path: Path) -> None:
    """Lines moved and words swapped keep much of the syntax, so that the analysis goes deep."""
    deadline = time.monotonic() + seconds_a_part
    seed = random.SystemRandom().randrange(2**32)
    source = random.Random(seed)
    tried = 0
    while tried == 0 or time.monotonic() < deadline:
        name, files = source.choice(folders())
        if "train_gpt.py" not in files:
            continue
        script = source.choice((shuffle, rename_word, double))(files["train_gpt.py"], source)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                compile(script, "<fuzz>", "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        tried += 1
        check({**files, "train_gpt.py": script}, tmp_path / str(tried), f"seed {seed}, {tried}, {name}")
