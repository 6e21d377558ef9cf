"""Does each token enter the sum once, and is the sum the number reported? (C4)

The lineage of the baseline scores its last windows twice, by up to a sequence: reported, tolerated. Left out
at the end: a rest shorter than a sequence. Whole documents or a long end left out are BLIND, since a tiny run
caps what a full one may score.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .finding import Call, Test, TestEnd
from .items import UNKNOWN, Items
from .patterns import SEQUENCE
from .runs import Runs
from .update_order import PLACED
from .views import View, Views

BYTES_OFF = 0.02
"""By how much of themselves the bytes may differ: first tokens of documents are counted in several ways."""


@dataclass(frozen=True, slots=True)
class Counted:
    """How often the positions of the stream were scored."""

    twice: np.ndarray
    """Positions scored more than once."""
    holes: np.ndarray
    """Positions left out between scored ones of the same document."""
    absent: int
    """Documents left out, and positions left out at the end."""


def score_once_test(views: Views, runs: Runs) -> TestEnd:
    """Count what entered the sum."""
    items = views.plain.items
    counted = count(views.plain)
    figures = _figures(views, counted, runs)
    placed = float(items.placed.mean())
    if placed < PLACED:
        return _end(views, Call.BLIND, f"the position of {1 - placed:.0%} of the items is not known", figures)
    if counted.twice.size > SEQUENCE:
        reason = f"{counted.twice.size:,} tokens enter the sum more than once"
        return _end(views, Call.LEAK, reason, figures, "C4", counted.twice)
    # Some leave out what the first window has little context for (#122, #422): less than one sequence.
    if counted.holes.size > SEQUENCE:
        reason = f"{counted.holes.size:,} tokens between scored ones are left out"
        return _end(views, Call.LEAK, reason, figures, "C4", counted.holes)
    ratio = figures.get("bytes_ratio", 1.0)
    if ratio > 1 + BYTES_OFF:
        reason = f"the score divides by {ratio:.3f} times the bytes that the tokens stand for"
        return _end(views, Call.LEAK, reason, figures, "BPB")
    if counted.absent:
        return _end(views, Call.BLIND, f"{counted.absent:,} tokens of the stream are not scored", figures)
    reason = f"{items.values.size:,} losses, each token once; their mean is the {views.matched:.6f} reported"
    return _end(views, Call.CLEAN, reason, figures)


def count(view: View) -> Counted:
    """Count how often each position was scored."""
    stream = view.run.stream
    positions = view.items.positions[view.items.placed]
    times = np.bincount(positions, minlength=stream.size)[: stream.size]
    starts = stream == stream[0]
    document = np.cumsum(starts)
    scored = np.bincount(document[times > 0], minlength=int(document[-1]) + 1)
    left = (times == 0) & ~starts
    last = int(positions.max()) if positions.size else 0
    end = np.arange(stream.size) > last
    known = scored[document] > 0
    holes = np.flatnonzero(left & known & ~end)
    rest = int((left & end).sum())
    absent = int((left & ~known & ~end).sum()) + (rest if rest > SEQUENCE else 0)
    return Counted(np.flatnonzero(times > 1), holes, absent)


def _figures(views: Views, counted: Counted, runs: Runs) -> dict[str, float]:
    figures = {
        "twice": float(counted.twice.size),
        "holes": float(counted.holes.size),
        "absent": float(counted.absent),
    }
    ratio = bytes_ratio(views, runs)
    return figures if ratio is None else {**figures, "bytes_ratio": round(ratio, 6)}


def bytes_ratio(views: Views, runs: Runs) -> float | None:
    """Return the bytes that the reported score divides by, over those that the tokens stand for."""
    known = (views.matched, views.matched / math.log(2))
    scores = [number for number in views.returned if number > 0 and not any(map(number.__eq__, known))]
    true = true_bytes(views.plain.items, views.plain.run.stream, runs)
    values = views.plain.items.values
    if not scores or true is None or not true:
        return None
    return float(values.sum() / math.log(2) / scores[0] / true)


def true_bytes(items: Items, stream: np.ndarray, runs: Runs) -> int | None:
    """Return the bytes of all items, by the rule of the challenge; None where tokens are not known."""
    size = runs.token_bytes.size
    targets, positions = items.targets, items.positions
    known = positions > 0
    if (targets == UNKNOWN).any() or known.mean() < PLACED or targets.max(initial=0) >= size:
        return None
    before = stream[positions[known] - 1]
    if before.max(initial=0) >= size or before.min(initial=0) < 0 or targets.min(initial=0) < 0:
        return None
    no_space = runs.leading_space[targets[known]] & runs.control[before]
    return int(runs.token_bytes[targets].sum() - no_space.sum())


def _end(
    views: Views,
    call: Call,
    reason: str,
    figures: dict[str, float],
    condition: str = "",
    positions: np.ndarray | None = None,
) -> TestEnd:
    return TestEnd(
        Test.SCORE_ONCE,
        call,
        reason,
        condition=condition,
        position=int(positions[0]) if positions is not None and positions.size else -1,
        count=0 if positions is None else int(positions.size),
        total=int(views.plain.items.values.size),
        line=views.line,
        figures=dict(figures),
    )
