"""What the evaluator keeps while it follows code: frames, closures, and how control leaves a block."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from audits.facts.byte_table.values import OPAQUE, Choice, Value, choose
from audits.facts.byte_table.vocabulary import SIZE

STEPS = 10_000
"""Steps of one run; a canonical builder takes about 1,000."""
DEPTH = 6
"""Calls within calls that are followed."""


class Stop(Exception):
    """The run cannot go on: budget spent, or the code raised."""


class Return(Exception):
    """The function returns a value."""

    def __init__(self, value: Value) -> None:
        self.value = value


class Break(Exception):
    """The loop ends."""


class Continue(Exception):
    """The iteration ends."""


@dataclass(slots=True)
class Frame:
    """Names of one function call."""

    names: dict[str, Value]
    outer: Frame | None = None
    depth: int = 0


@dataclass(slots=True)
class Closure:
    """A function of the submission together with the frame it was defined in."""

    args: ast.arguments
    body: list[ast.stmt] | ast.expr
    outer: Frame | None
    skip_self: bool = False


@dataclass(slots=True)
class Result:
    """What following one piece of code gave."""

    returned: Value = OPAQUE
    names: dict[str, Value] = field(default_factory=dict)
    attributes: dict[str, Value] = field(default_factory=dict)


def parameters(args: ast.arguments) -> list[ast.arg]:
    """Return every parameter of a function."""
    extra = [arg for arg in (args.vararg, args.kwarg) if arg is not None]
    return [*args.posonlyargs, *args.args, *args.kwonlyargs, *extra]


def only_raises(owner: ast.AST) -> bool:
    """A guard that does nothing but stop the program is taken as passed."""
    return isinstance(owner, ast.If) and len(owner.body) == 1 and isinstance(owner.body[0], ast.Raise)


def truthy(value: Value) -> bool:
    """Return the truth of a value; of one that has none, False."""
    try:
        return bool(value)
    except Exception:
        return False


def entry(value: Value, place: int) -> Value:
    """Return one element of a tuple, in every possible value."""
    if isinstance(value, Choice):
        return choose([entry(option, place) for option in value.options])
    return value[place] if isinstance(value, (tuple, list)) and place < len(value) else OPAQUE


def token_stream(iterable: ast.expr) -> list[Value]:
    """Return what an unknown stream of token ids is taken for: one token of each kind."""
    shape: list[Value] = list(range(SIZE))
    if (
        isinstance(iterable, ast.Call)
        and isinstance(iterable.func, ast.Name)
        and iterable.func.id == "enumerate"
    ):
        return list(enumerate(shape))
    return shape
