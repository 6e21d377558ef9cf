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
    wrong = [replay for replay in replays if _is_wrong(replay)]
    sums = {f"{replay.position}:{replay.load}": replay.total for replay in replays}
    power = {"replayed": float(len(whole)), "log_softmax_share": round(rows, 4)}
    if wrong:
        return _leak(views, wrong, len(replays), power, sums)
    short = next((replay for replay in whole if _distance(replay.total) > TOLERANCE), None)
    if rows >= ALL:
        reason = "each value is the log-softmax of its row of logits"
    elif whole and short is None:
        reason = f"at {len(whole)} positions the probabilities of all tokens sum to one"
    else:
        why = _lack(short) if short is not None else skipped or f"run {NORMALISED} was not made"
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


def _is_wrong(replay: Replay) -> bool:
    """Return whether a sum is none of a distribution, whatever entries were not tried."""
    if replay.total > 1 + TOLERANCE:
        return True
    tried_all = replay.tried >= max(1, replay.vocabulary, replay.width)
    return tried_all and _distance(replay.total) > TOLERANCE


def _leak(
    views: Views, wrong: list[Replay], total: int, power: dict[str, float], sums: dict[str, float]
) -> TestEnd:
    worst = max(wrong, key=lambda replay: _distance(replay.total))
    tried = f"all {worst.tried:,}" if worst.tried >= worst.vocabulary else f"{worst.tried:,}"
    return TestEnd(
        Test.NORMALISATION,
        Call.LEAK,
        f"the probabilities of {tried} tokens at position {worst.position} sum to {worst.total:.6g} "
        f"({worst.load} load)",
        condition="C2",
        position=worst.position,
        count=len(wrong),
        total=total,
        magnitude=worst.total,
        line=views.line,
        power=power,
        figures={"sums": sums},
    )


def _lack(replay: Replay) -> str:
    """Say why a sum below one is not held against anybody."""
    return f"{replay.tried:,} of {replay.width:,} entries, which sum to {replay.total:.6g}, could be tried"


def _distance(total: float) -> float:
    return abs(total - 1) if math.isfinite(total) else np.inf
