"""Values of the small evaluator that follows a byte-table builder over the made-up vocabulary."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from audits.facts.byte_table.vocabulary import SIZE


class Opaque:
    """A value that is not known. There is one of it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "OPAQUE"


OPAQUE = Opaque()
WIDEST = 32
"""Alternatives and elements that are kept."""
Value = Any
"""A plain Python value of ours, `Table`, `SideFile`, `Choice`, a closure, or OPAQUE."""


@dataclass(slots=True, eq=False)
class Table:
    """One value a piece of the vocabulary; copies share the same origin."""

    cells: list[Value]
    line: int = 0
    """Line that created it; 0 when unknown."""
    key: str = ""
    """Entry of the file that it was read from, for side files."""
    side: bool = False
    """Read from a file, so the cells are unknown."""
    origin: tuple[str, int] = ("", 0)
    """Path and layer of the module that made it."""

    def like(self, cells: list[Value]) -> Table:
        """Return a table of the same origin with other cells."""
        return Table(cells, self.line, self.key, self.side, self.origin)


@dataclass(slots=True, eq=False)
class SideFile:
    """An opened data file whose entries are tables."""

    line: int
    origin: tuple[str, int] = ("", 0)

    def entry(self, key: str) -> Table:
        """Return the entry called `key` as a table of unknown cells."""
        return Table([OPAQUE] * SIZE, self.line, key, True, self.origin)


@dataclass(slots=True, eq=False)
class Choice:
    """Several values, one for each way through conditions that are not known."""

    options: list[Value] = field(default_factory=list)


def options(value: Value) -> list[Value]:
    """Return the possible values, without nesting."""
    if not isinstance(value, Choice):
        return [value]
    found: list[Value] = []
    for entry in value.options:
        found.extend(options(entry))
    return found


def choose(values: list[Value]) -> Value:
    """Join possible values; equal ones collapse, and ways that give no table are dropped."""
    distinct: dict[Value, Value] = {}
    for value in values:
        for entry in options(value):
            distinct.setdefault(signature(entry), entry)
    found = [entry for entry in distinct.values() if holds_table(entry)] or list(distinct.values())
    return found[0] if len(found) == 1 else Choice(found[:WIDEST])


def signature(value: Value, depth: int = 0) -> Value:
    """Return something hashable that is equal for values that mean the same here."""
    if isinstance(value, Table):
        if value.side:
            return ("side table", value.origin)
        cells = tuple(repr(cell) for cell in value.cells)
        return ("table", value.origin, value.line, value.key, cells)
    if isinstance(value, SideFile):
        return ("file", value.origin, value.line)
    if isinstance(value, (tuple, list)) and depth < 4:
        return ("sequence", *(signature(part, depth + 1) for part in value[:WIDEST]))
    if isinstance(value, dict) and depth < 4:
        return ("dict", *((key, signature(part, depth + 1)) for key, part in list(value.items())[:WIDEST]))
    if isinstance(value, (int, float, str, bytes, type(None))):
        return value
    return ("object", type(value).__name__)


def holds_table(value: Value, depth: int = 0) -> bool:
    """Whether a table is somewhere inside."""
    if isinstance(value, (Table, SideFile)):
        return True
    if depth > 4:
        return False
    if isinstance(value, (tuple, list)):
        if len(value) == SIZE and as_table(value) is not None:
            return True
        return any(holds_table(entry, depth + 1) for entry in value[:64])
    if isinstance(value, dict):
        return any(holds_table(entry, depth + 1) for entry in list(value.values())[:64])
    return isinstance(value, Choice) and any(holds_table(entry, depth + 1) for entry in value.options)


def as_table(value: Value) -> Table | None:
    """Read a list with one number or byte string a piece as a table."""
    if isinstance(value, Table):
        return value
    if isinstance(value, (list, tuple)) and len(value) == SIZE:
        sized = [entry for entry in value if isinstance(entry, (int, float, bytes, bytearray))]
        if len(sized) >= SIZE - 3:
            return Table(list(value))
    return None
