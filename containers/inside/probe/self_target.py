"""Does the token itself change the distribution that scores it? (C1)

At the first changed position the past is the same in both streams, and the target is not: the logits must be.
Where the scored value is not the log-softmax of these logits, normalisation decides, and this test is BLIND.
"""

from __future__ import annotations

import numpy as np

from .finding import Call, Test, TestEnd
from .items import UNKNOWN
from .runs import AGAIN, CHANGED
from .update_order import Learning, may_have_learnt
from .views import Views, sides_of


def self_target_test(views: Views, suffix: TestEnd, learning: Learning) -> TestEnd:
    """Compare the logits at the first changed position of each changed stream."""
    if suffix.call is Call.LEAK:
        return _end(Call.NOT_RUN, "the state before the token differs already, see the suffix test")
    tested, moved = [], []
    for name in CHANGED:
        if name not in views.others:
            continue
        at = _items_at(views, name, learning)
        tested += at
        moved += [item for item in at if _digest(views, name, item) != views.plain.items.digests[item]]
    if not tested:
        return _end(Call.BLIND, "no logits were seen at a position whose target alone differs")
    if AGAIN not in views.others or any(_unsteady(views, item) for item in tested):
        return _end(Call.BLIND, "two runs on one stream do not give the same logits there")
    if moved:
        position = int(views.plain.items.positions[moved[0]])
        return TestEnd(
            Test.SELF_TARGET,
            Call.LEAK,
            f"the logits at position {position} differ with the token that they predict",
            condition="C1",
            position=position,
            count=len(moved),
            total=len(tested),
            line=views.line,
        )
    return _end(Call.CLEAN, f"the logits at {len(tested)} such positions are the same", len(tested))


def _items_at(views: Views, name: str, learning: Learning) -> list[int]:
    """Return the items of the first changed position whose rows of logits are known in both runs.

    One that differs where a later changed token was scored before (#1908) says nothing: what it had learnt
    may differ, too.
    """
    plain, other = views.plain.items, views.others[name].items
    start = views.others[name].run.start
    known = (plain.digests != 0) & (other.digests != 0) & (plain.rows != UNKNOWN)
    here = (plain.positions == start) & (other.positions == start) & (plain.targets != other.targets)
    learnt = may_have_learnt(views.plain, sides_of(views, name).after, learning, start)
    telling = ~learnt | (plain.digests == other.digests)
    return [int(item) for item in np.flatnonzero(known & here & telling)]


def _digest(views: Views, name: str, item: int) -> int:
    return int(views.others[name].items.digests[item])


def _unsteady(views: Views, item: int) -> bool:
    return bool(_digest(views, AGAIN, item) != views.plain.items.digests[item])


def _end(call: Call, reason: str, total: int = 0) -> TestEnd:
    return TestEnd(Test.SELF_TARGET, call, reason, total=total)
