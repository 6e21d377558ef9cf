"""Read a value as text, as a path or as a sequence, where that can be told."""

from __future__ import annotations

from audits.unpack.values import UNKNOWN, Data, PathValue, Unknown, Value, is_packed

MAX_NUMBER = 1 << 40
"""Larger numbers are not computed with."""


def merged(parts: list[Data]) -> Data:
    """Return the history that stands for several pieces: that of the first with codecs, else the first."""
    if not parts:
        return Data("")
    chief = next((part for part in parts if part.codecs), parts[0])
    lines = [part.line for part in parts if part.line]
    size = sum(part.raw_bytes for part in parts)
    return Data(chief.value, chief.codecs, min(lines, default=0), size, chief.file, chief.settled)


def items_of(value: Value) -> list[Value] | None:
    """Return the items of a sequence or the keys of a dictionary, or None when they are not known."""
    if isinstance(value, list | tuple):
        return list(value)
    if isinstance(value, dict):
        return [Data(key) if isinstance(key, str | bytes) else UNKNOWN for key in value]
    return None


def as_text(value: Value) -> Value:
    """Return what `str()` would give."""
    if isinstance(value, Data) and isinstance(value.value, str):
        return value
    if isinstance(value, PathValue):
        return Data(value.text)
    if isinstance(value, int | float) and abs(value) < MAX_NUMBER:
        return Data(str(value))
    return Unknown(packed=is_packed(value))


def path_text(value: Value) -> str | None:
    """Return the path a value names, or None."""
    if isinstance(value, PathValue):
        return value.text
    if isinstance(value, Data):
        return value.value if isinstance(value.value, str) else value.value.decode("utf-8", "replace")
    return None
