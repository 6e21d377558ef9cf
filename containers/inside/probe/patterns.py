"""What the positions that changed look like: which unit of the evaluation knew the tokens that came later."""

from __future__ import annotations

import numpy as np

from .items import UNKNOWN
from .views import View
from .watches import Source

WHOLE_STREAM = "whole-validation"
WHOLE = 0.85
"""Share of the items before the change that must differ for the whole of validation to have been seen."""
SEQUENCE = 128
"""Longest sequence of a tiny run, in tokens."""


def pattern_of(view: View, before: np.ndarray, changed: np.ndarray, start: int) -> str:
    """Name the pattern: window, batch, chunk, whole-validation or scattered.

    `before` and `changed` are masks of items; a window is a row of the sum, or of the losses it came from.
    """
    if not changed.any():
        return ""
    positions = view.items.positions[changed]
    share = changed.sum() / max(1, before.sum())
    if share >= WHOLE and changed.sum() > SEQUENCE:
        return WHOLE_STREAM
    if _one_unit(view, changed):
        return "window"
    if (positions < 0).any():
        return "scattered"
    low, high = int(positions.min()), int(positions.max())
    covered = np.unique(positions).size / (high - low + 1)
    if covered >= 0.8 and high >= start - 2:
        return "batch" if _events(view, changed) == 1 else "chunk"
    return "scattered"


def _one_unit(view: View, changed: np.ndarray) -> bool:
    """Return whether all changed items were added up as one sum that is a part of what the model scored."""
    watched = view.items.watched
    if watched.recipe.source not in (Source.FLOW, Source.SUM):
        return False
    return bool(changed.sum() <= SEQUENCE and np.unique(watched.events[changed]).size == 1)


def _events(view: View, changed: np.ndarray) -> int:
    """Return from how many calls of the model the changed items come."""
    rows = view.items.rows[changed]
    if (rows == UNKNOWN).any() or not view.rows.events.size:
        return np.unique(view.items.watched.events[changed]).size
    return np.unique(view.rows.events[rows]).size
