"""Did an update learn from tokens that were scored only afterwards? (C3)

The losses under a gradient name what an update saw; a padded or masked token is seen without being learnt.
So LEAK is said only where the suffix test shows that later tokens did reach earlier scores.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

import numpy as np

from .finding import Call, Test, TestEnd
from .patterns import WHOLE_STREAM
from .trace import Kind
from .views import View

OF_VALIDATION = 0.5
"""Share of a batch's targets that must lie in the stream for it to be one of validation tokens: a batch of
training text shares phrases with it."""
PLACED = 0.98
"""Share of the items whose position must be known."""
WARMED_UP = 0.25
"""Share of what was learnt that may have been seen earlier: by a warm-up whose result is thrown away."""
NEVER = int(np.iinfo(np.int64).max)


@dataclass(frozen=True, slots=True)
class Learning:
    """What gradients saw of the validation stream, beside when it was scored."""

    early: np.ndarray
    """Positions that a gradient saw before they were scored, in order."""
    learnt: np.ndarray
    """Positions that a gradient saw at all, in order."""
    updates: int
    """Steps of optimizers after the first such gradient, up to the last score."""
    placed: float
    """Share of the items whose position is known: without it nobody can say what was scored when."""

    @property
    def is_known(self) -> bool:
        """Return whether the order of scores and updates can be told."""
        return self.placed >= PLACED

    def is_in_order(self, first: int) -> bool:
        """Return whether what was learnt of the tokens from a position on had been scored by then.

        A throw-away adapter that is warmed up on a few of them (#1530) breaks no order.
        """
        learnt, early = self.learnt[self.learnt >= first], self.early[self.early >= first]
        return bool(self.is_known and self.updates and learnt.size and early.size <= WARMED_UP * learnt.size)


def scored_at(view: View) -> np.ndarray:
    """Return for each item the event at which it was scored: int64, index in the trace."""
    items, rows = view.items, view.rows
    at = items.watched.events
    return np.where(items.rows >= 0, rows.events[np.maximum(items.rows, 0)], at) if rows.events.size else at


def learning_of(view: View) -> Learning:
    """Return what the run up to the last score of this evaluation learnt from the validation stream."""
    size = view.run.stream.size
    scored, learnt = np.full(size, NEVER), np.full(size, NEVER)
    items, rows = view.items, view.rows
    np.minimum.at(scored, items.positions[items.placed], scored_at(view)[items.placed])
    last = int(items.watched.events.max(initial=0))
    steps = [at for at, event in enumerate(view.run.trace.events[: last + 1]) if event.kind is Kind.UPDATE]
    for event, start in rows.starts.items():
        end = int(rows.ends[start])
        positions = rows.positions[start:end]
        if event > last or not rows.grad[start] or (positions >= 0).mean() < OF_VALIDATION:
            continue
        np.minimum.at(learnt, positions[positions >= 0], _step_after(event, steps))
    updates = sum(step >= int(learnt.min(initial=NEVER)) for step in steps)
    early = np.flatnonzero((learnt < scored) & (scored != NEVER))
    placed = float(items.placed.mean()) if items.placed.size else 0.0
    return Learning(early, np.flatnonzero(learnt != NEVER), updates, placed)


def may_have_learnt(view: View, after: np.ndarray, learning: Learning, first: int) -> np.ndarray:
    """Return which items were scored after one of the others was, in an evaluation that learns in order.

    `after` are the items whose targets are changed, from the position `first` on.
    """
    at = scored_at(view)
    if not after.any() or not learning.is_in_order(first):
        return np.zeros(at.size, bool)
    return np.asarray(at > at[after].min())


def _step_after(event: int, steps: list[int]) -> int:
    """Return when what a gradient saw was learnt: at the next step, or at once where nobody takes steps."""
    if not steps:
        return event
    after = bisect_right(steps, event)
    return steps[after] if after < len(steps) else NEVER


def condition_of(learning: Learning, pattern: str, artifact_differs: bool) -> str:
    """Name the condition that later tokens in earlier scores break."""
    early = bool(learning.early.size and learning.is_known)
    if early and learning.updates:
        return "C3"
    if pattern == WHOLE_STREAM:
        return "C3" if artifact_differs else "C4"
    return "C3" if early else "C1"


def update_order_test(view: View, learning: Learning, suffix: TestEnd) -> TestEnd:
    """Say what the order of updates and scores shows."""
    figures = {"positions_learnt": int(learning.learnt.size), "updates": learning.updates}
    if not learning.learnt.size:
        return TestEnd(Test.UPDATE_ORDER, Call.NOT_RUN, "no gradient saw validation tokens", figures=figures)
    count, total = int(learning.early.size), int(np.unique(view.items.positions).size)
    call, reason = _call(count, learning, suffix)
    return TestEnd(
        Test.UPDATE_ORDER,
        call,
        reason,
        condition="C3" if call is Call.LEAK else "",
        position=int(learning.early[0]) if count else -1,
        count=count,
        total=total,
        power={"updates": float(learning.updates)},
        figures=figures,
    )


def _call(count: int, learning: Learning, suffix: TestEnd) -> tuple[Call, str]:
    if not learning.is_known:
        return Call.BLIND, f"the position of {1 - learning.placed:.0%} of the items is not known"
    if not count:
        if not learning.updates:
            return Call.NOT_RUN, "gradients saw validation tokens, and no optimizer took a step"
        return Call.CLEAN, f"{learning.updates} updates, each from tokens that had been scored"
    seen = f"gradients saw {count:,} tokens before they were scored"
    if suffix.call is Call.LEAK:
        return Call.LEAK, f"{seen}, in {learning.updates} updates"
    if suffix.call is Call.CLEAN:
        return Call.CLEAN, f"{seen}, yet none of the scores before them moved: masked, or undone"
    return Call.BLIND, f"{seen}; whether they reached a score was not seen"
