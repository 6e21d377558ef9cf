"""What is known about a condition: constants, identities, membership and loop counters."""

from __future__ import annotations

import ast
import itertools
import operator
from collections.abc import Callable, Sequence
from typing import Any

from audits.facts.code import labels as lab
from audits.facts.code.machine import Machine
from audits.facts.code.values import (
    UNKNOWN,
    Class,
    Container,
    External,
    Fixed,
    Function,
    Instance,
    Later,
    Module,
    Net,
    Optimiser,
    Value,
)

_COMPARE: dict[type, Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def known(value: Value) -> bool:
    """Return True when the value is a known Python constant."""
    const = value.const
    return const is not UNKNOWN and type(const) is not Later


def truth(value: Value) -> bool | None:
    """Return the truth of a value where it can be told."""
    if known(value):
        if value.const is None and value.obj is not None:
            return True
        try:
            return bool(value.const)
        except Exception:
            return None
    if type(value.const) is Later:
        return True if value.const.start >= 0 else None
    if isinstance(value.obj, Function | Class | Net | Optimiser | External | Module | Instance):
        return True
    if isinstance(value.obj, Fixed):
        return bool(value.obj.items)
    if isinstance(value.obj, Container) and value.obj.filled:
        return True
    return None


def note_decision(machine: Machine, value: Value) -> None:
    """Count decisions that rest on a loop counter's first value: they call for a second pass."""
    if value.labels & machine.labels.tags:
        machine.first_pass_decisions += 1


def asks_for_a_count(test: Value, otherwise: Sequence[ast.AST]) -> bool:
    """Return whether a branch is for counted targets alone, and nothing is taken off the others (#1044)."""
    if not test.labels & lab.COUNTED:
        return False
    parts = (part for node in otherwise for part in ast.walk(node))
    return not any(isinstance(part, ast.BinOp) for part in parts)


def compare(op: ast.cmpop, left: Value, right: Value) -> bool | None:
    """Return the outcome of a comparison of constants, loop counters included."""
    kind = type(op)
    if kind in (ast.Is, ast.IsNot):
        return compare_identity(kind is ast.Is, left, right)
    if kind in (ast.In, ast.NotIn):
        return compare_membership(kind is ast.In, left, right)
    if known(left) and known(right) and left.const is not None and right.const is not None:
        try:
            return bool(_COMPARE[kind](left.const, right.const))
        except Exception:
            return None
    if (
        known(left)
        and known(right)
        and kind in (ast.Eq, ast.NotEq)
        and left.obj is None
        and right.obj is None
    ):
        return (left.const == right.const) is (kind is ast.Eq)
    if type(left.const) is Later and type(right.const) is int:
        return compare_later(kind, left.const.start, right.const)
    return None


def compare_chain(ops: Sequence[ast.cmpop], values: Sequence[Value]) -> Any:
    """Return the outcome of `0.0 < fraction < 1.0`, or UNKNOWN: one link that is False decides it (#1688)."""
    if len(ops) == 1:
        return UNKNOWN
    links = [compare(op, *pair) for op, pair in zip(ops, itertools.pairwise(values), strict=True)]
    if any(link is False for link in links):
        return False
    return True if all(links) else UNKNOWN


def compare_later(kind: type[ast.cmpop], start: int, other: int) -> bool | None:
    """Compare a counter known to be greater than `start`."""
    if other <= start:
        return {
            ast.Eq: False,
            ast.NotEq: True,
            ast.Gt: True,
            ast.GtE: True,
            ast.Lt: False,
            ast.LtE: False,
        }.get(kind)
    if other == start + 1:
        return {ast.GtE: True, ast.Lt: False}.get(kind)
    return None


def compare_identity(same: bool, left: Value, right: Value) -> bool | None:
    """Decide `is None` and `is not None`."""
    for value, other in ((left, right), (right, left)):
        if other.const is None and other.obj is None:
            if value.const is None and value.obj is None:
                return same
            if value.obj is not None and value.const is UNKNOWN or known(value) and value.const is not None:
                return not same
    return None


def compare_membership(inside: bool, left: Value, right: Value) -> bool | None:
    """Decide membership of a constant in a literal or string."""
    if not known(left) or left.const is None:
        return None
    if isinstance(right.const, str) and isinstance(left.const, str):
        return (left.const in right.const) is inside
    if isinstance(right.obj, Fixed) and all(known(item) and item.obj is None for item in right.obj.items):
        return (left.const in [item.const for item in right.obj.items]) is inside
    return None
