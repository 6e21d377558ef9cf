"""Does a document's neighbour change its first scores? (a finding of its own)

Packed documents see their neighbours in most evaluations, which the rules allow: this is said without a LEAK.
LEAK is said where the first tokens of the document depend on the neighbour and those right after them do not:
the isolation that is there has a hole. Where a window may end between the two, nothing is said.
"""

from __future__ import annotations

import numpy as np

from .finding import Call, Test, TestEnd
from .runs import NEIGHBOUR
from .suffix import NOISE_FACTOR, noise_of
from .views import Views

FIRST = 4
"""Tokens after a document's start whose scores are its first ones."""
LATER = 20
"""Tokens after a document's start that are looked at."""
WINDOWS = 16
"""Windows and chunks begin at multiples of it."""


def boundary_test(views: Views) -> TestEnd:
    """Compare the scores of the document after the changed one."""
    if NEIGHBOUR not in views.others:
        reason = views.blind.get(NEIGHBOUR, "no run with one document changed")
        return TestEnd(Test.BOUNDARY, Call.NOT_RUN, reason)
    stop = views.others[NEIGHBOUR].run.stop
    positions = views.plain.items.positions
    changed = views.change(NEIGHBOUR) > NOISE_FACTOR * (noise_of(views) or 0.0)
    first = (positions > stop) & (positions <= stop + FIRST)
    later = (positions > stop + FIRST) & (positions <= _end_of_document(views, stop))
    if not first.any() or not later.any():
        return TestEnd(Test.BOUNDARY, Call.BLIND, "the scores of the next document are not known")
    moved, moved_later = float(changed[first].mean()), float(changed[later].mean())
    figures = {"first_changed": round(moved, 4), "later_changed": round(moved_later, 4)}
    total = int(first.sum() + later.sum())
    if not moved and not moved_later:
        reason = "the next document's scores do not depend on the one before"
        return TestEnd(Test.BOUNDARY, Call.CLEAN, reason, total=total, figures=figures)
    last = int(positions[first & changed].max(initial=0))
    if moved and not moved_later and last % WINDOWS:
        where = int(positions[first & changed].min())
        reason = f"the first scores after position {stop} depend on the document before, later ones do not"
        count = int(changed[first].sum())
        return TestEnd(
            Test.BOUNDARY, Call.LEAK, reason, condition="C1", position=where, count=count, total=total,
            magnitude=float(views.change(NEIGHBOUR)[first].max()), line=views.line, figures=figures,
        )  # fmt: skip
    reason = "documents are packed: scores depend on the document before"
    return TestEnd(Test.BOUNDARY, Call.NOT_RUN, reason, total=total, figures=figures)


def _end_of_document(views: Views, start: int) -> int:
    """Return the last position looked at of the document that starts there."""
    stream = views.plain.run.stream
    begins = np.flatnonzero(stream[start + 1 :] == stream[0])
    return min(start + LATER, start + int(begins[0]) if begins.size else stream.size - 1)
