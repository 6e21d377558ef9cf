"""Make tables as full as a real run makes them, and the vocabulary small enough to try every entry of it.

A table whose keys collide holds the counts of others; at a size made for the real validation set the tiny
one fills next to nothing of it, and nothing collides.
"""

from __future__ import annotations

import functools
import json
import os
import tomllib
from collections.abc import Callable
from types import ModuleType
from typing import Any

from ..shim.patching import put
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
    setting = _setter(scaled)
    loader.HELPERS[sizes.SIZE] = setting
    loader.REWRITES.append(sizes.instrument)
    for module, name in ((tomllib, "load"), (tomllib, "loads"), (json, "loads")):
        _wrap(module, name, setting)


def _wrap(module: ModuleType, name: str, setting: Callable[[str, Any], Any]) -> None:
    """Set the sizes that a file of settings names, as those that the source names."""
    real = getattr(module, name)

    @functools.wraps(real)
    def read(*args: Any, **kwargs: Any) -> Any:
        return sized(real(*args, **kwargs), setting)

    put(module, name, read)


def sized(tree: Any, setting: Callable[[str, Any], Any], depth: int = 8) -> Any:
    """Return plain values with every size in them that has a name set."""
    if not depth:
        return tree
    if type(tree) is list:
        return [sized(entry, setting, depth - 1) for entry in tree]
    if type(tree) is not dict:
        return tree
    return {
        key: setting(key.lower(), value)
        if isinstance(key, str) and sizes.named(key)
        else sized(value, setting, depth - 1)
        for key, value in tree.items()
    }


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
