"""Which functions must be entered, told from their text."""

from __future__ import annotations

import pytest

from audits.facts.code.relevance import CallNames


def acting(body: str) -> bool:
    """Return whether a function with this body matters whatever it is given."""
    return "probe" in CallNames([("probe", f"def probe(x):\n    {body}\n")], set()).acting()


@pytest.mark.parametrize(
    "body",
    [
        "optimiser.step()",
        "x.data.zero_()",
        "x.total = 1",
        "return open(x)",
        "global seen",
        "nonlocal seen",
        "return glob(x)",
        "yield x",
        "exec(x)",
        "rows = []",
        "table = {}",
        "return {1: x}",
        "def inner():\n        return x",
    ],
)
def test_signs_of_a_function_that_acts(body: str) -> None:
    """Each way of reading, keeping or running something is seen."""
    assert acting(body)


@pytest.mark.parametrize(
    "body",
    [
        "x.steps()",
        "return x.database",
        "return x.total == 1",
        "return reopen(x)",
        "return globally(x)",
        "return global_rank",
        "return globe",
        "yields = x",
        "return execute(x)",
        "return x[1]",
        "preturn {x}",
    ],
)
def test_near_misses_are_no_signs(body: str) -> None:
    """A longer word, a comparison or a read is none of them."""
    assert not acting(body)


def test_a_maker_of_a_local_class_matters() -> None:
    """Its object's identity must not be lost."""
    names = CallNames([("make", "def make(x):\n    return Net(x)\n")], {"Net"})
    assert names.acting() == {"make"}


def test_a_caller_shares_the_fate_of_what_it_calls() -> None:
    """Who calls a function that learns can learn."""
    bodies = [("low", "def low(x):\n    x.backward()\n"), ("high", "def high(x):\n    low(x)\n")]
    assert CallNames(bodies, set()).learning() == {"low", "high"}
