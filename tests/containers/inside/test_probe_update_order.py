"""What may be said of the order of scores and updates, and where nothing may."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from containers.inside.probe import finding
from containers.inside.probe.finding import Call
from containers.inside.probe.update_order import Learning, condition_of, update_order_test

SEEN_TOO_EARLY = Learning(early=np.arange(46), learnt=np.arange(400), updates=13, placed=1.0)
LEAKS = finding.TestEnd(finding.Test.SUFFIX, Call.LEAK, "94 of 631 losses change")
VIEW = SimpleNamespace(items=SimpleNamespace(positions=np.arange(2560)))


def test_tokens_seen_by_a_gradient_before_they_were_scored_break_c3() -> None:
    end = update_order_test(VIEW, SEEN_TOO_EARLY, LEAKS)  # type: ignore[arg-type]
    assert (end.call, end.condition, end.count) == (Call.LEAK, "C3", 46)
    assert condition_of(SEEN_TOO_EARLY, "window", artifact_differs=False) == "C3"


@pytest.mark.parametrize("placed", [0.04, 0.9])
def test_nobody_is_accused_of_an_order_that_was_not_seen(placed: float) -> None:
    """#2118 tilts its losses by hints, so that few of them can be told from one another: its leak is C1."""
    unknown = replace(SEEN_TOO_EARLY, placed=placed)
    end = update_order_test(VIEW, unknown, LEAKS)  # type: ignore[arg-type]
    assert (end.call, end.condition) == (Call.BLIND, "")
    assert condition_of(unknown, "window", artifact_differs=False) == "C1"


def test_an_order_that_was_not_seen_excuses_nothing() -> None:
    in_order = replace(SEEN_TOO_EARLY, early=np.arange(0))
    assert in_order.is_in_order(0)
    assert not replace(in_order, placed=0.5).is_in_order(0)


def test_nothing_learnt_is_no_order() -> None:
    nothing = Learning(np.arange(0), np.arange(0), 0, 0.5)
    assert update_order_test(VIEW, nothing, LEAKS).call is Call.NOT_RUN  # type: ignore[arg-type]
