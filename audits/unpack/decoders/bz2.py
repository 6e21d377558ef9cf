"""Bzip2 streams."""

from __future__ import annotations

import bz2
from collections.abc import Mapping

from audits.unpack.limits import output_limit, within

NAME = "bz2"
CALLS = ("bz2.decompress", "bz2.BZ2Decompressor.decompress")
ALIASES = ("bz2_codec",)


def decode(data: bytes, options: Mapping[str, object]) -> bytes:
    """Return the decompressed bytes."""
    machine = bz2.BZ2Decompressor()
    out = within(machine.decompress(data, max_length=output_limit(len(data)) + 1), len(data), NAME)
    if not machine.eof:
        raise ValueError("the stream ends early")
    return out
