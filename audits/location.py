"""Where in a submission something was seen."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A line range in one layer of one file. Lines count from 1."""

    path: str
    """POSIX path relative to the record folder."""
    start_line: int
    end_line: int
    layer: int = 0
    """0 for the file as committed, n for the n-th unpacked layer inside it (`Layer.index`)."""
