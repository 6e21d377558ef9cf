"""What the tests of one evaluation look at: its items in every run, beside the streams.

Promises that all views hold as many items as the plain run's, in the same order, all finite.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from .items import Items, Rows
from .runs import Run


@dataclass(frozen=True, slots=True)
class View:
    """One evaluation in one run."""

    run: Run
    items: Items
    rows: Rows


@dataclass(frozen=True, slots=True)
class Views:
    """One evaluation in every run in which it could be watched."""

    plain: View
    others: Mapping[str, View]
    """By the run's name."""
    blind: Mapping[str, str] = field(default_factory=dict)
    """Runs in which it could not be watched, or that were not made, with the reason."""
    made: frozenset[str] = frozenset()
    """Runs that were made."""
    matched: float = 0.0
    """The number reported that the items' mean gives."""
    returned: tuple[float, ...] = ()
    """All numbers that the call returned."""

    @property
    def line(self) -> str:
        """Return where the values enter the sum."""
        return ", ".join(self.plain.items.watched.lines)

    def change(self, name: str) -> np.ndarray:
        """Return by how much each item differs between the plain run and another."""
        return np.asarray(np.abs(self.others[name].items.values - self.plain.items.values))


@dataclass(frozen=True, slots=True)
class Sides:
    """Which items a change of the stream may not touch, and which it should."""

    before: np.ndarray
    """Items whose target stands before the change, in both runs."""
    after: np.ndarray
    """Items whose target stands in what is changed."""


def sides_of(views: Views, name: str) -> Sides:
    """Sort the items by where their targets stand, where no position is known by the targets themselves."""
    one, other = views.plain, views.others[name]
    start, stop = other.run.start, other.run.stop
    a, b = one.items.positions, other.items.positions
    placed = (a >= 0) & (a == b)
    same = (one.items.targets == other.items.targets) & (one.items.targets >= 0)
    lost = ~placed & ~((a >= 0) & (b >= 0))
    telling = ~np.isin(one.items.targets, _kept(one.run.stream, other.run.stream, start))
    before = (placed & (a < start)) | (lost & same & telling)
    after = (placed & (a >= start) & (a < (stop if stop >= 0 else a + 1))) | (
        ~placed & ~same & (one.items.targets >= 0)
    )
    return Sides(before, after)


def _kept(plain: np.ndarray, changed: np.ndarray, start: int) -> np.ndarray:
    """Return the tokens that stand somewhere behind the change in both streams."""
    size = min(plain.size, changed.size)
    one, other = plain[start:size], changed[start:size]
    return np.unique(one[one == other])
