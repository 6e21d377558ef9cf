"""Facts as bytes: pickled for speed, compressed, and unpickled under a guard.

A run directory may come from somebody else, so reading one must not be able to run code. The guard admits
frozen records and enums of `audits` and a few value types; it looks up nothing else. Only our own records are
ever pickled: a submission's files travel inside them as bytes and stay bytes.
"""

from __future__ import annotations

import dataclasses
import importlib
import io
import pickle
from enum import Enum
from typing import Any

import zstandard

from audits.errors import UserError

MAX_RECORD_BYTES = 512 * 1024 * 1024
_LEVEL = 3
_VALUE_TYPES = {
    ("builtins", "frozenset"),
    ("builtins", "set"),
    ("builtins", "complex"),
    ("builtins", "range"),
    ("builtins", "slice"),
    ("builtins", "bytearray"),
    ("collections", "OrderedDict"),
    ("datetime", "date"),
    ("fractions", "Fraction"),
    ("types", "MappingProxyType"),
}


class DamagedStoreError(UserError):
    """A stored record holds something that Referee never writes."""


def pack(record: object) -> bytes:
    """Return `record`, a frozen record of `audits`, as compressed bytes."""
    return zstandard.ZstdCompressor(level=_LEVEL).compress(pickle.dumps(record, protocol=5))


def unpack_record(data: bytes) -> Any:
    """Return the record that `pack` made; anything else raises `DamagedStoreError`."""
    try:
        raw = zstandard.ZstdDecompressor().decompress(data, max_output_size=MAX_RECORD_BYTES)
        return _Guarded(io.BytesIO(raw)).load()
    except (zstandard.ZstdError, pickle.UnpicklingError, EOFError, AttributeError, TypeError) as error:
        raise DamagedStoreError(
            f"a stored record cannot be read: {error}", "sweep into a fresh directory"
        ) from error


class _Guarded(pickle.Unpickler):
    """Finds the classes of our own records and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        """Return the class, or refuse."""
        if (module, name) in _VALUE_TYPES:
            return getattr(importlib.import_module(module), name)
        if module == "audits" or module.startswith("audits."):
            found: Any = importlib.import_module(module)
            for part in name.split("."):
                found = getattr(found, part)
            if isinstance(found, type) and _is_record(found):
                return found
        raise pickle.UnpicklingError(f"{module}.{name} is not a record")


def _is_record(found: type) -> bool:
    """Tell whether a class of ours only holds values: building one cannot act."""
    own_module = found.__module__ == "audits" or found.__module__.startswith("audits.")
    return own_module and (
        dataclasses.is_dataclass(found)
        or issubclass(found, Enum)
        or (issubclass(found, tuple) and hasattr(found, "_fields"))
    )
