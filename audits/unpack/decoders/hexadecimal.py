"""Hexadecimal digits."""

from __future__ import annotations

from collections.abc import Mapping

NAME = "hex"
CALLS = ("binascii.unhexlify", "binascii.a2b_hex", "bytes.fromhex", "bytearray.fromhex")
ALIASES = ("hex_codec",)


def decode(data: bytes, options: Mapping[str, object]) -> bytes:
    """Return the decoded bytes."""
    return bytes.fromhex(data.decode("ascii"))
