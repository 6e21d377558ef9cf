"""Gzip files, several members in a row included."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

from audits.unpack.limits import output_limit, within

NAME = "gzip"
CALLS = ("gzip.decompress",)
ALIASES = ("gz",)
MAX_MEMBERS = 64


def decode(data: bytes, options: Mapping[str, object]) -> bytes:
    """Return the decompressed bytes."""
    limit, rest, out = output_limit(len(data)), data, b""
    try:
        for _ in range(MAX_MEMBERS):
            machine = zlib.decompressobj(16 + zlib.MAX_WBITS)
            out += machine.decompress(rest, limit + 1 - len(out))
            rest = machine.unused_data.lstrip(b"\0")
            if not rest or len(out) > limit:
                break
    except zlib.error as error:
        raise ValueError(str(error)) from None
    return within(out, len(data), NAME)
