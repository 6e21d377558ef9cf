"""Base64, base32 and base16, in the standard and the URL-safe alphabets."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

NAME = "base64"
CALLS = (
    "base64.b64decode",
    "base64.standard_b64decode",
    "base64.urlsafe_b64decode",
    "base64.decodebytes",
    "binascii.a2b_base64",
    "base64.b32decode",
    "base64.b16decode",
)
ALIASES = ("b64", "base-64")


def decode(data: bytes, options: Mapping[str, object]) -> bytes:
    """Return the decoded bytes."""
    call = str(options.get("call", ""))
    if call.endswith("b32decode"):
        return base64.b32decode(data, casefold=True)
    if call.endswith("b16decode"):
        return base64.b16decode(data, casefold=True)
    altchars = options.get("altchars", options.get("1"))
    if call.endswith("urlsafe_b64decode"):
        altchars = b"-_"
    if isinstance(altchars, str):
        altchars = altchars.encode("ascii", "replace")
    if isinstance(altchars, bytes) and len(altchars) == 2:
        data = data.translate(bytes.maketrans(altchars, b"+/"))
    return binascii.a2b_base64(data)
