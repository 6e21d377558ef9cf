"""What a report consists of before it has a format: headings, paragraphs, tables and items.

Text in here is raw; whoever renders a block makes it harmless in its format.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Link:
    """Words that lead somewhere. Only addresses that we build ourselves belong here."""

    text: str
    url: str


Line = tuple[str | Link, ...]


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; 2 for a section, 3 below it."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text of one line."""

    line: Line


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under named columns."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Line, ...], ...]
    numeric: frozenset[int] = frozenset()
    """Columns that are set flush right."""


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of a list, with lines below it."""

    head: Line
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    items: tuple[Item, ...]


Block = Heading | Paragraph | Table | Items


def table(
    columns: tuple[str, ...], rows: list[tuple[object, ...]], numeric: frozenset[int] = frozenset()
) -> Table:
    """Return a table of plain values; lines pass as they are."""
    return Table(columns, tuple(tuple(_cell(value) for value in row) for row in rows), numeric)


def _cell(value: object) -> Line:
    if isinstance(value, tuple):
        return value
    return (value if isinstance(value, Link) else str(value),)
