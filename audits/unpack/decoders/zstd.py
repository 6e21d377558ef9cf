"""Zstandard frames."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING

from audits.unpack.limits import output_limit, within

if TYPE_CHECKING:
    import zstandard

NAME = "zstd"
CALLS = (
    "zstandard.decompress",
    "zstandard.ZstdDecompressor.decompress",
    "zstd.decompress",
    "zstd.ZstdDecompressor.decompress",
    "pyzstd.decompress",
    "compression.zstd.decompress",
)
ALIASES = ("zstandard",)
MAX_WINDOW = 1 << 27


def decode(data: bytes, options: Mapping[str, object]) -> bytes:
    """Return the decompressed bytes."""
    import zstandard

    machine = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW)
    try:
        with machine.stream_reader(io.BytesIO(data), read_across_frames=True) as reader:
            return within(_read(reader, output_limit(len(data)) + 1), len(data), NAME)
    except zstandard.ZstdError as error:
        raise ValueError(str(error)) from None


def _read(reader: zstandard.ZstdDecompressionReader, limit: int) -> bytes:
    pieces, total = [], 0
    while total < limit:
        piece = reader.read(min(1 << 16, limit - total))
        if not piece:
            break
        pieces.append(piece)
        total += len(piece)
    return b"".join(pieces)
