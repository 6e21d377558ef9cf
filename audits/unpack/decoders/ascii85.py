"""Ascii85, with or without Adobe's framing."""

from __future__ import annotations

import base64
from collections.abc import Mapping

NAME = "ascii85"
CALLS = ("base64.a85decode",)
ALIASES = ("a85",)


def decode(data: bytes, options: Mapping[str, object]) -> bytes:
    """Return the decoded bytes."""
    return base64.a85decode(
        data, foldspaces=bool(options.get("foldspaces")), adobe=bool(options.get("adobe"))
    )
