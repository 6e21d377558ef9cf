"""Hand-written explanations of the rows of docs/probe.md that are wrong, BLIND or UNCLEAR.

Promises that what nobody explained says so, that an explanation names the standing and verdict it was written
for, and that one whose case is gone is found out.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from audits.errors import UserError
from containers.probe_result import ProbeVerdict
from harness.probe.measured import Standing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from harness.probe.measured import Row

UNEXPLAINED = "unexplained"
_ASK = frozenset({Standing.WRONG, Standing.BLIND, Standing.UNCLEAR})


@dataclass(frozen=True, slots=True)
class RowExplanation:
    """Why one row is not right."""

    pr: int
    verdict: ProbeVerdict
    why: str
    folder: str = ""
    """Needed where a pull request has several rows."""


@dataclass(frozen=True, slots=True)
class Explanations:
    """The explanations of one file."""

    entries: tuple[RowExplanation, ...] = ()

    def of(self, row: Row) -> RowExplanation | None:
        """Return the explanation of a row, None where there is none for this verdict."""
        if row.standing not in _ASK:
            return None
        for entry in self.entries:
            if (entry.pr, entry.verdict) == (row.label.pr, row.verdict) and entry.folder in (
                "",
                row.label.folder,
            ):
                return entry
        return None

    def missing(self, rows: Sequence[Row]) -> tuple[str, ...]:
        """Return the rows that nobody explained."""
        unknown = [row for row in rows if asks(row) and self.of(row) is None]
        return tuple(f"{name_of(row)}, {row.verdict}: {row.reason[:200]}" for row in unknown)

    def stale(self, rows: Sequence[Row]) -> tuple[str, ...]:
        """Return the explanations that fit no row."""
        used = {id(entry) for row in rows if (entry := self.of(row)) is not None}
        return tuple(f"#{entry.pr} {entry.verdict}" for entry in self.entries if id(entry) not in used)


def name_of(row: Row) -> str:
    """Return a row's pull request, folder and label."""
    return f"#{row.label.pr} {row.label.folder}: label {row.label.axes.legality}"


def asks(row: Row) -> bool:
    """Tell whether a row has to be explained."""
    return row.standing in _ASK


def read_explanations(path: Path) -> Explanations:
    """Return the explanations of a file: an array of tables called `row`."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        entries = TypeAdapter(tuple[RowExplanation, ...]).validate_python(document.get("row", ()))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path.name} cannot be read: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UserError(f"{path.name}: {where}: {first['msg']}") from error
    return Explanations(entries)
