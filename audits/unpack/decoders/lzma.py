"""LZMA: the xz container, the older .lzma, and raw streams whose filters stand in the code."""

from __future__ import annotations

import lzma
from collections.abc import Mapping

from audits.unpack.limits import output_limit, within

NAME = "lzma"
CALLS = ("lzma.decompress", "lzma.LZMADecompressor.decompress")
ALIASES = ("xz",)
MEMORY_LIMIT = 256 * 1024 * 1024
_FILTER_FIELDS = frozenset(
    {"id", "preset", "dict_size", "lc", "lp", "pb", "mode", "nice_len", "mf", "depth", "dist"}
)


def decode(data: bytes, options: Mapping[str, object]) -> bytes:
    """Return the decompressed bytes."""
    container = options.get("format", options.get("1", lzma.FORMAT_AUTO))
    if not isinstance(container, int):
        raise ValueError("the container format is not known")
    raw = container == lzma.FORMAT_RAW
    filters = _filters(options.get("filters", options.get("3"))) if raw else None
    limit = output_limit(len(data))
    try:
        # A raw stream names its own dictionary, so the library takes no memory limit for it.
        machine = lzma.LZMADecompressor(
            format=container, memlimit=None if raw else MEMORY_LIMIT, filters=filters
        )
        out = within(machine.decompress(data, max_length=limit + 1), len(data), NAME)
    except lzma.LZMAError as error:
        raise ValueError(str(error)) from None
    if not machine.eof:
        raise ValueError("the stream ends early")
    return out


def _filters(value: object) -> list[dict[str, int]]:
    if not isinstance(value, list | tuple) or not value or len(value) > 4:
        raise ValueError("a raw stream needs its filters")
    chain = []
    for entry in value:
        if not isinstance(entry, dict):
            raise ValueError("a filter is not a dictionary")
        known = {
            key: number for key, number in entry.items() if key in _FILTER_FIELDS and isinstance(number, int)
        }
        known["dict_size"] = min(known.get("dict_size", 1 << 26), MEMORY_LIMIT) if _has_window(known) else 0
        chain.append({key: number for key, number in known.items() if key != "dict_size" or number})
    return chain


def _has_window(entry: dict[str, int]) -> bool:
    return entry.get("id") in (lzma.FILTER_LZMA1, lzma.FILTER_LZMA2)
