"""Base85 in git's alphabet and in ZeroMQ's."""

from __future__ import annotations

import base64
from collections.abc import Mapping

NAME = "base85"
CALLS = ("base64.b85decode", "base64.z85decode")
ALIASES = ("b85",)

_GIT = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"
_ZEROMQ = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
_TO_GIT = bytes.maketrans(_ZEROMQ, _GIT)


def decode(data: bytes, options: Mapping[str, object]) -> bytes:
    """Return the decoded bytes."""
    if options.get("call") == "base64.z85decode":
        data = data.translate(_TO_GIT)
    return base64.b85decode(data)
