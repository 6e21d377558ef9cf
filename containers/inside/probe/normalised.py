"""Do the probabilities of all tokens sum to one? (C2)

A value that is equal to the loss torch computed from logits is the log-softmax of its row, and sums to one
whatever the row. For any other value the replays say: one for each entry of the vocabulary, from one state.
"""

from __future__ import annotations

import math

import numpy as np

from .finding import Call, Test, TestEnd
from .items import UNKNOWN
from .runs import NORMALISED, Replay
from .views import Views

TOLERANCE = 1e-4
"""How far from one a sum may be."""
ALL = 0.999
"""Share of the items that must be rows' losses for all to be."""


def normalisation_test(views: Views, replays: tuple[Replay, ...], skipped: str = "") -> TestEnd:
    """Say whether what was scored is a distribution."""
    rows = _log_softmax_share(views)
    whole = [replay for replay in replays if 0 < replay.vocabulary <= replay.tried]
    sums = {f"{replay.position}:{replay.load}": replay.total for replay in whole}
    power = {"replayed": float(len(whole)), "log_softmax_share": round(rows, 4)}
    worst = max(whole, key=lambda replay: _distance(replay.total), default=None)
    if worst is not None and _distance(worst.total) > TOLERANCE:
        return TestEnd(
            Test.NORMALISATION,
            Call.LEAK,
            f"the probabilities of all {worst.vocabulary:,} tokens at position {worst.position} sum to "
            f"{worst.total:.6g} ({worst.load} load)",
            condition="C2",
            position=worst.position,
            count=sum(_distance(replay.total) > TOLERANCE for replay in whole),
            total=len(whole),
            magnitude=worst.total,
            line=views.line,
            power=power,
            figures={"sums": sums},
        )
    if rows >= ALL:
        reason = "each value is the log-softmax of its row of logits"
    elif whole:
        reason = f"at {len(whole)} positions the probabilities of all tokens sum to one"
    else:
        why = skipped or f"run {NORMALISED} was not made"
        reason = f"{1 - rows:.0%} of the values are no log-softmax that torch computed, and {why}"
        return TestEnd(Test.NORMALISATION, Call.BLIND, reason, line=views.line, power=power)
    return TestEnd(
        Test.NORMALISATION,
        Call.CLEAN,
        reason,
        total=int(views.plain.items.values.size) if rows >= ALL else len(whole),
        line=views.line,
        power=power,
        figures={"sums": sums} if sums else {},
    )


def _log_softmax_share(views: Views) -> float:
    """Return the share of the items that are, to the bit, a log-softmax that torch computed."""
    at = views.plain.items.rows
    known = at[at != UNKNOWN]
    return float(views.plain.rows.plain[known].sum() / max(1, at.size))


def _distance(total: float) -> float:
    return abs(total - 1) if math.isfinite(total) else np.inf
