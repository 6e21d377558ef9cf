"""The leaderboard twice: as claimed, and as it stands once breaches are taken out.

Promises that a claim stays a claim: the order is that of the scores that authors state, and what an audit
takes out is named with the rules that took it out. A folder that only awaits a person (FLAG, UNCLEAR)
stands, and says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audits.outcome import Axis
from harness.dashboard.field import POLICY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.dashboard.field import Field, Row

ROWS_SHOWN = 100
_BREACHES = frozenset({"ILLEGAL", "VIOLATION"})
_OPEN = frozenset({"FLAG", "UNCLEAR"})
_STANDING_AXES = (Axis.LEGALITY.value, Axis.LIMITS.value, Axis.METRIC.value)


@dataclass(frozen=True, slots=True)
class Standing:
    """One folder on the board."""

    row: Row
    claimed_bpb: float
    before: int
    """Rank as claimed, from 1."""
    after: int | None
    """Rank after audit, None where it falls out."""
    settled: int | None
    """Rank among those that no person has to look at first, None for the others."""
    reasons: tuple[str, ...]
    """Ids of the rules that took it out."""
    repeats: tuple[int, ...]
    """Other pull requests that hold the very same folder; they take no rank of their own."""

    @property
    def open(self) -> bool:
        """Tell whether it stands only until a person has looked."""
        return self.after is not None and self.settled is None


@dataclass(frozen=True, slots=True)
class Board:
    """The board of one kind of track."""

    name: str
    title: str
    standings: tuple[Standing, ...]
    """By claimed score, best first."""
    unclaimed: int
    """Audited folders that state no score, or one that no model can have (nought or less)."""

    @property
    def after(self) -> tuple[Standing, ...]:
        """Return those that stand, best first."""
        return tuple(entry for entry in self.standings if entry.after is not None)

    @property
    def open(self) -> tuple[Standing, ...]:
        """Return those that stand only until a person has looked."""
        return tuple(entry for entry in self.standings if entry.open)

    @property
    def shown(self) -> tuple[Standing, ...]:
        """Return the first of those that stand, and as many settled ones."""
        return tuple(
            entry
            for entry in self.after
            if (entry.after or 0) <= ROWS_SHOWN or (entry.settled and entry.settled <= ROWS_SHOWN)
        )

    @property
    def fallen(self) -> tuple[Standing, ...]:
        """Return those that fall out, best claim first."""
        return tuple(entry for entry in self.standings if entry.after is None)


def boards(field: Field) -> tuple[Board, ...]:
    """Return the board of record tracks and that of all other tracks."""
    record = {track.name for track in field.challenge.tracks if track.record}
    audited = [row for row in field.rows if row.judged]
    mine = [row for row in audited if row.entry and row.entry.track in record]
    others = [row for row in audited if row.entry and row.entry.track not in record]
    return (
        _board("record", "Record track", mine),
        _board("non-record", "Non-record tracks", others),
    )


def _board(name: str, title: str, rows: list[Row]) -> Board:
    first: dict[object, list[Row]] = {}
    for row in rows:
        if _claim(row) is not None and row.entry is not None:
            first.setdefault(row.entry.facts_key or row.where, []).append(row)
    ranked = sorted(first.values(), key=lambda same: (_claim(same[0]) or 0.0, same[0].where))
    stated = sum(len(same) for same in first.values())
    return Board(name, title, tuple(_standings(ranked)), len(rows) - stated)


def _standings(ranked: Iterable[list[Row]]) -> Iterable[Standing]:
    after = settled = 0
    for before, (row, *others) in enumerate(ranked, 1):
        falls = any(row.axis(axis) in _BREACHES for axis in _STANDING_AXES)
        waits = falls or row.call() in _OPEN
        after += not falls
        settled += not waits
        assert row.judged is not None
        yield Standing(
            row=row,
            claimed_bpb=_claim(row) or 0.0,
            before=before,
            after=None if falls else after,
            settled=None if waits else settled,
            reasons=row.judged.verdicts[POLICY].deciding if falls else (),
            repeats=tuple(dict.fromkeys(other.pull.pr for other in others if other.pull.pr != row.pull.pr)),
        )


def _claim(row: Row) -> float | None:
    """Return the claimed score, None for a placeholder."""
    claimed = row.summary.claimed_bpb if row.summary else None
    return claimed if claimed is not None and claimed > 0 else None
