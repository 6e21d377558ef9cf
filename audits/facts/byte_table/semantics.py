"""What the numbers of a table mean: base bytes, leading-space flags, boundary flags, and what is wrong."""

from __future__ import annotations

import math
from enum import Enum, auto

from audits.facts.byte_table.records import ByteDefect, ByteTable, SpaceRule, TableSource
from audits.facts.byte_table.values import Opaque, Table, Value
from audits.facts.byte_table.vocabulary import (
    ACCENTED,
    BOS,
    BYTE,
    HIGH_BYTE,
    LED,
    PLAIN,
    PROBES,
    QUERY,
    UNKNOWN,
    UNUSED,
)
from audits.location import Location


class Role(Enum):
    """What a table is for."""

    BYTES = auto()
    LEADING = auto()
    BOUNDARY = auto()
    ORDINARY = auto()
    """The boundary flags, inverted."""
    SIDE = auto()
    OTHER = auto()


def size(cell: Value) -> int | None:
    """Return the bytes that one cell stands for, or None."""
    if isinstance(cell, (bytes, bytearray)):
        return len(cell)
    if isinstance(cell, (int, float)) and math.isfinite(cell):
        return int(cell)
    return None


def role(table: Table) -> Role:
    """Tell what a table is for by its numbers."""
    if table.side:
        return Role.SIDE
    sizes = [size(cell) for cell in table.cells]
    if not isinstance(table.cells[PLAIN], bool) and _measures(sizes[PLAIN], sizes[ACCENTED]):
        return Role.BYTES
    flags = [None if isinstance(cell, (Opaque, str)) else bool(cell) for cell in table.cells]
    if flags[PLAIN] is False and (flags[LED] or flags[QUERY]) and not flags[ACCENTED]:
        return Role.LEADING
    if flags[BOS] and flags[PLAIN] is False and flags[LED] is False:
        return Role.BOUNDARY
    if flags[BOS] is False and flags[PLAIN] and flags[LED]:
        return Role.ORDINARY
    return Role.OTHER


def _measures(plain: int | None, accented: int | None) -> bool:
    """Whether the numbers for `ing` and `é` are lengths, perhaps off by a constant."""
    if plain is None or accented is None:
        return False
    return (plain == 3 and accented in (1, 2)) or (3 < plain <= 8 and plain - accented == 1)


def intrinsic(table: Table) -> tuple[ByteDefect, ...]:
    """Return what is wrong with a table of base bytes whatever the evaluation adds."""
    sizes = [size(cell) for cell in table.cells]
    found: list[ByteDefect] = []
    if sizes[LED] == 6:
        wrong_marker = sizes[QUERY] != 2
        found.append(ByteDefect.WRONG_SPACE_MARKER if wrong_marker else ByteDefect.SPACE_MARKER_AS_BYTES)
    if (sizes[BYTE] is not None and sizes[BYTE] != 1) or (
        sizes[HIGH_BYTE] is not None and sizes[HIGH_BYTE] != 1
    ):
        found.append(ByteDefect.BYTE_PIECE_SIZE)
    if (sizes[BOS] or 0) > 0 or (sizes[UNKNOWN] or 0) > 0:
        found.append(ByteDefect.SPECIAL_COUNTED)
    if (sizes[UNUSED] or 0) > 0:
        found.append(ByteDefect.UNUSED_COUNTED)
    if sizes[ACCENTED] == 1:
        found.append(ByteDefect.CHARACTERS)
    if sizes[PLAIN] != 3:
        found.append(ByteDefect.CONSTANT_ADDED)
    return tuple(found)


def space_inside(table: Table) -> bool:
    """Whether the table holds one byte for the leading space already."""
    return size(table.cells[LED]) == 4


def with_space(table: ByteTable, space: SpaceRule) -> tuple[ByteDefect, ...]:
    """Return the defects of a table together with what the evaluation adds."""
    found = list(table.defects)
    if table.source is not TableSource.COMPUTED:
        return tuple(found)
    marker_kept = ByteDefect.SPACE_MARKER_AS_BYTES in found or ByteDefect.WRONG_SPACE_MARKER in found
    if table.space_inside and space is not SpaceRule.ABSENT:
        found.append(ByteDefect.SPACE_COUNTED_TWICE)
    elif table.space_inside or (space is SpaceRule.UNGUARDED and not marker_kept):
        found.append(ByteDefect.SPACE_AFTER_BOUNDARY)
    elif space is SpaceRule.ABSENT and not marker_kept:
        found.append(ByteDefect.SPACE_NEVER_COUNTED)
    return tuple(found)


def record(table: Table) -> ByteTable:
    """Turn an evaluated table into the record that rules read."""
    path, layer = table.origin
    where = Location(path, max(table.line, 1), max(table.line, 1), layer)
    if table.side:
        return ByteTable(TableSource.SIDE_FILE, where, (), False, (("entry", table.key),))
    counts = tuple(
        (probe.piece, str(size(cell)) if size(cell) is not None else "unknown")
        for probe, cell in zip(PROBES, table.cells, strict=True)
    )
    return ByteTable(TableSource.COMPUTED, where, intrinsic(table), space_inside(table), counts)
