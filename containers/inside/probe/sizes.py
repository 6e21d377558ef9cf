"""Make tables as full as a real run makes them, and the vocabulary small enough to try every entry of it.

A table whose keys collide holds the counts of others; at a size made for the real validation set the tiny
one fills next to nothing of it, and nothing collides.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from ..source import loader, sizes
from .recorder import RECORDER

VOCABULARY = 256
"""Entries of the vocabulary of replays."""
BUCKETS = 64
"""Of a scaled table: with the replays' stream 18 tokens a bucket; real ones have 62 million in 4 million."""
SMALLEST = 1024
"""Smaller tables are made for few entries and stay."""
_BITS = range(10, 41)


def install(*, scaled: bool) -> None:
    """Begin to set sizes; tables only where they are to be scaled."""
    os.environ["VOCAB_SIZE"] = str(VOCABULARY)
    loader.HELPERS[sizes.SIZE] = _setter(scaled)
    loader.REWRITES.append(sizes.instrument)


def _setter(scaled: bool) -> Callable[[str, Any], Any]:
    def setting(name: str, value: Any) -> Any:
        if type(value) is not int:
            return value
        if name.endswith("vocab_size"):
            return VOCABULARY if name == "vocab_size" and value > VOCABULARY else value
        made = value
        if name.endswith("bits"):
            made = BUCKETS.bit_length() - 1 if value in _BITS else value
        elif value >= SMALLEST:
            made = BUCKETS
        if made == value:
            return value
        RECORDER.facts.setdefault("tables", {})[name] = value
        return made if scaled else value

    return setting
