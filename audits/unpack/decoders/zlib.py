"""Deflate streams: zlib's container, gzip's, or none."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

from audits.unpack.limits import output_limit, within

NAME = "zlib"
CALLS = ("zlib.decompress", "zlib.decompressobj.decompress")
ALIASES = ("zip", "zlib_codec")


def decode(data: bytes, options: Mapping[str, object]) -> bytes:
    """Return the decompressed bytes."""
    wbits = options.get("wbits", options.get("1", zlib.MAX_WBITS))
    if not isinstance(wbits, int):
        raise ValueError("the window size is not known")
    try:
        machine = zlib.decompressobj(wbits)
        out = within(machine.decompress(data, output_limit(len(data)) + 1), len(data), NAME)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    if not machine.eof:
        raise ValueError("the stream ends early")
    return out
