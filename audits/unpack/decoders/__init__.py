"""One small decoder per encoding. A decoder takes bytes and options, and gives bytes under the caps.

Decompressors are always asked for one byte more than the cap, never for everything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from audits.unpack.decoders import (
    ascii85,
    base64,
    base85,
    brotli,
    bz2,
    gzip,
    hexadecimal,
    lzma,
    zlib,
    zstd,
)

Options: TypeAlias = Mapping[str, object]
Decoder: TypeAlias = Callable[[bytes, Options], bytes]

_MODULES = (ascii85, base64, base85, brotli, bz2, gzip, hexadecimal, lzma, zlib, zstd)

BY_CALL: dict[str, tuple[str, Decoder]] = {
    call: (module.NAME, module.decode) for module in _MODULES for call in module.CALLS
}
"""Qualified name of a library call to (codec name, decoder)."""

BY_CODEC: dict[str, tuple[str, Decoder]] = {
    alias: (module.NAME, module.decode) for module in _MODULES for alias in (module.NAME, *module.ALIASES)
}
"""Name as given to `codecs.decode`, to the same."""

ERRORS = (ValueError, EOFError, TypeError, KeyError, OverflowError, OSError)
"""What a library raises on broken input, its own error classes being turned into ValueError.

`MemoryError` is none of them: that memory ran out says nothing about the payload.
"""

__all__ = ["BY_CALL", "BY_CODEC", "ERRORS", "Decoder", "Options"]
