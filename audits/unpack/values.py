"""The values our evaluator computes with. Everything it cannot tell is `UNKNOWN`.

Text and bytes are `Data`, so that what was peeled off to get them, and where, travels along.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that cannot be told, with the reason when a payload was behind it."""

    why: str = ""
    packed: bool = False
    """Whether a decode call stood in the expression."""


UNKNOWN = Unknown()


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """A string or bytes, with its history."""

    value: str | bytes
    codecs: tuple[str, ...] = ()
    """Codecs peeled off, outermost first."""
    line: int = 0
    """Line of the literal it came from, 0 when it came from no literal."""
    raw_bytes: int = 0
    """Size of the encoded literal."""
    file: str = ""
    """File of the folder it was read from, else empty."""
    settled: bool = False
    """Whether `codecs` already counts from the committed file rather than from the layer at hand."""

    def like(self, value: str | bytes) -> Data:
        """Return other content with the same history."""
        return Data(value, self.codecs, self.line, self.raw_bytes, self.file, self.settled)


@dataclass(frozen=True, slots=True)
class Ref:
    """A library object known by its qualified name (`lzma.decompress`)."""

    name: str


@dataclass(frozen=True, slots=True)
class Bound:
    """A method of a value."""

    owner: Value
    name: str


@dataclass(frozen=True, slots=True)
class Made:
    """An object made by a library call (`lzma.LZMADecompressor`), with the options given."""

    name: str
    options: tuple[tuple[str, object], ...] = ()


@dataclass(frozen=True, slots=True)
class PathValue:
    """A pathlib path."""

    text: str


@dataclass(frozen=True, slots=True)
class FileValue:
    """An open file; `codec` when it was opened through a decompressor."""

    path: str
    binary: bool
    codec: str = ""


@dataclass(frozen=True, slots=True)
class Code:
    """The result of `compile`."""

    source: Value


@dataclass(slots=True, eq=False)
class ModuleValue:
    """A module made at run time, by name, with the file it is loaded from when that is known."""

    name: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class Namespace:
    """The dictionary of a module made at run time, or some other dictionary handed to exec."""

    module: ModuleValue


@dataclass(frozen=True, slots=True, eq=False)
class Closure:
    """A function of the script."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    scope: Scope
    """Names visible where it is defined."""


@dataclass(slots=True, eq=False)
class Scope:
    """Names of one function call, falling back to the module's."""

    names: dict[str, Value] = field(default_factory=dict)
    parent: Scope | None = None

    def get(self, name: str) -> Value | None:
        """Return the value bound to a name, or None."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.parent
        return None


Number: TypeAlias = int | float | bool | None
Value: TypeAlias = (
    Unknown
    | Data
    | Ref
    | Bound
    | Made
    | PathValue
    | FileValue
    | Code
    | ModuleValue
    | Namespace
    | Closure
    | Number
    | list["Value"]
    | tuple["Value", ...]
    | dict[object, "Value"]
)


def is_packed(value: Value) -> bool:
    """Return whether the value is, or should have been, unpacked from something."""
    return (isinstance(value, Data) and bool(value.codecs)) or (isinstance(value, Unknown) and value.packed)


def key_of(value: Value) -> object:
    """Return a hashable stand-in for a dictionary key."""
    if isinstance(value, Data):
        return value.value
    if value is None or isinstance(value, int | float):
        return value
    return None


def plain(value: Value) -> object:
    """Return an ordinary Python object for options handed to a decoder; strange parts become None."""
    if isinstance(value, Data):
        return value.value
    if isinstance(value, list | tuple):
        return [plain(item) for item in value[:16]]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in list(value.items())[:32]}
    return value if value is None or isinstance(value, int | float) else None
