"""What is known about how a script turns scored tokens into bytes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from audits.location import Location


class TableSource(StrEnum):
    """Where the bytes of a token come from."""

    COMPUTED = "computed"
    """Derived from the tokenizer's pieces by code that could be followed."""
    SIDE_FILE = "side_file"
    """Read from a file, indexed by token id."""
    SIDECAR = "sidecar"
    """Read from a file, one entry a validation token (bytes of the original text)."""


class SpaceRule(StrEnum):
    """How the evaluation treats the space that a leading marker stands for."""

    GUARDED = "guarded"
    """Adds one unless the previous token is a boundary."""
    UNGUARDED = "unguarded"
    """Adds one whatever came before."""
    ABSENT = "absent"
    """Adds nothing."""


class ByteDefect(StrEnum):
    """One way in which a byte table departs from the canonical one."""

    SPACE_COUNTED_TWICE = "space-counted-twice"
    """The table holds the leading space and the evaluation adds it again."""
    SPACE_MARKER_AS_BYTES = "space-marker-as-bytes"
    """U+2581 is kept in the piece and counted as its three UTF-8 bytes."""
    WRONG_SPACE_MARKER = "wrong-space-marker"
    """Another character than U+2581 is taken for the space marker."""
    BYTE_PIECE_SIZE = "byte-piece-size"
    """A byte-fallback piece does not count as one byte."""
    SPECIAL_COUNTED = "special-counted"
    """Control or unknown pieces count as bytes."""
    UNUSED_COUNTED = "unused-counted"
    """Unused pieces count as bytes; they do not occur in text, so nothing moves."""
    CHARACTERS = "characters"
    """Characters are counted instead of UTF-8 bytes."""
    CONSTANT_ADDED = "constant-added"
    """Every piece counts more bytes than it has."""
    SPACE_AFTER_BOUNDARY = "space-after-boundary"
    """A space is counted at the start of a document too."""
    SPACE_NEVER_COUNTED = "space-never-counted"
    """The space of a leading marker is stripped and never added: fewer bytes than the text has."""


@dataclass(frozen=True, slots=True)
class ByteTable:
    """One per-token byte table that the code builds or reads."""

    source: TableSource
    location: Location
    """Where it is built or read."""
    defects: tuple[ByteDefect, ...]
    """Wrong whatever the evaluation adds."""
    space_inside: bool
    """The table already holds one byte for a leading space."""
    counts: tuple[tuple[str, str], ...] = ()
    """Bytes it gives to each probe piece, as (piece, bytes)."""


@dataclass(frozen=True, slots=True)
class TableUse:
    """One place that looks bytes up by token."""

    tables: tuple[ByteTable, ...]
    """The tables that may arrive here (more than one when a condition chooses)."""
    space: SpaceRule
    location: Location
    function: str
    """Qualified name of the function, `<module>` at module level."""
    defects: tuple[ByteDefect, ...]
    """Defects of the first table together with this way of adding spaces."""
    reached: bool | None
    """Whether the claimed run comes here; None where its conditions do not hang on settings alone."""
    alternative: bool = False
    """A condition chooses between this lookup and something else."""

    @property
    def live(self) -> bool:
        """Not known to be switched off or uncalled."""
        return self.reached is not False


@dataclass(frozen=True, slots=True)
class SidecarUse:
    """Per-position byte counts read from a file next to the validation tokens."""

    location: Location
    file_pattern: str
    reached: bool | None = None
    """Whether the claimed run reads it."""


@dataclass(frozen=True, slots=True)
class ByteTableFacts:
    """How scored tokens become bytes, as far as the code could be followed."""

    tables: tuple[ByteTable, ...] = ()
    uses: tuple[TableUse, ...] = ()
    sidecars: tuple[SidecarUse, ...] = ()
    problems: tuple[str, ...] = ()
    """Why something could not be understood."""
