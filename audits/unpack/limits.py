"""The caps that keep hostile payloads small."""

from __future__ import annotations

MAX_LAYER_BYTES = 8 * 1024 * 1024
MAX_TOTAL_BYTES = 32 * 1024 * 1024
"""Bytes that all values computed for one file may add up to."""
FREE_BYTES = 1024 * 1024
"""Output up to this size is never held against the ratio."""
MAX_RATIO = 200
MAX_DEPTH = 8
MAX_LAYERS = 256
MAX_STEPS = 60_000
MAX_CALL_DEPTH = 12
MAX_ITEMS = 4096
"""Longest list, and most rounds of one loop, that are followed."""


class CapExceededError(Exception):
    """A payload grew beyond a cap."""

    def __init__(self, code: str, message: str) -> None:
        """Keep the problem code (`size-cap`, `ratio-cap`, `budget-spent`) and the sentence for it."""
        super().__init__(message)
        self.code = code
        self.message = message


def output_limit(encoded_bytes: int) -> int:
    """Return how many bytes a decompressor may give for this much input."""
    return min(MAX_LAYER_BYTES, max(FREE_BYTES, MAX_RATIO * encoded_bytes))


def within(data: bytes, encoded_bytes: int, codec: str) -> bytes:
    """Return the data, or raise when it passed the limit that `output_limit` set."""
    if len(data) <= output_limit(encoded_bytes):
        return data
    if len(data) > MAX_LAYER_BYTES:
        raise CapExceededError("size-cap", f"{codec} payload unpacks to more than {MAX_LAYER_BYTES} bytes")
    raise CapExceededError("ratio-cap", f"{codec} payload unpacks to more than {MAX_RATIO} times its size")
