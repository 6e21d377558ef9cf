"""Brotli streams."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audits.unpack.limits import output_limit, within

NAME = "brotli"
CALLS = ("brotli.decompress", "brotlicffi.decompress", "brotli.Decompressor.decompress")
ALIASES = ("br",)
OLD_PIECE = 16
"""Input per call where the library cannot bound its output: a few bytes inflate to tens of MiB at worst."""


def decode(data: bytes, options: Mapping[str, object]) -> bytes:
    """Return the decompressed bytes."""
    import brotli

    limit = output_limit(len(data))
    machine = brotli.Decompressor()
    try:
        out = (
            _bounded(machine, data, limit)
            if hasattr(machine, "can_accept_more_data")
            else _old(machine, data, limit)
        )
    except brotli.error as error:
        raise ValueError(str(error)) from None
    if len(out) <= limit and not machine.is_finished():
        raise ValueError("the brotli stream ends early")
    return within(out, len(data), NAME)


def _bounded(machine: Any, data: bytes, limit: int) -> bytes:
    out: bytes = machine.process(data, output_buffer_limit=limit + 1)
    while len(out) <= limit and not machine.is_finished():
        more: bytes = machine.process(b"", output_buffer_limit=limit + 1 - len(out))
        if not more:
            break
        out += more
    return out


def _old(machine: Any, data: bytes, limit: int) -> bytes:
    out = b""
    for start in range(0, len(data), OLD_PIECE):
        out += machine.process(data[start : start + OLD_PIECE])
        if len(out) > limit:
            break
    return out
