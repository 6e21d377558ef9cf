"""The few shapes that position loops are read in, whatever language they are written in."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto


class Op(Enum):
    """Kinds of expressions."""

    NAME = auto()
    CONST = auto()
    INDEX = auto()
    """`args[0][args[1]]`."""
    CALL = auto()
    """`name(*args)`; of a method the object comes first."""
    CAST = auto()
    CHOICE = auto()
    """`args[0] ? args[1] : args[2]`."""
    LOGIC = auto()
    """Comparison or boolean combination."""
    TUPLE = auto()
    MIX = auto()
    """Arithmetic and everything else."""


@dataclass(frozen=True, slots=True)
class Expr:
    """One expression."""

    op: Op
    line: int
    name: str = ""
    args: tuple[Expr, ...] = ()


class Act(Enum):
    """Kinds of statements."""

    ASSIGN = auto()
    DO = auto()
    IF = auto()
    LOOP = auto()
    LEAVE = auto()
    """continue, break, return: the rest of the block is skipped."""
    RETURN = auto()


@dataclass(slots=True)
class Stmt:
    """One statement."""

    act: Act
    line: int
    target: Expr | None = None
    value: Expr | None = None
    body: list[Stmt] = field(default_factory=list)
    other: list[Stmt] = field(default_factory=list)
    positions: tuple[str, ...] = ()
    """Loop variables that count positions."""
    elements: tuple[str, ...] = ()
    """Loop variables that hold the element at that position."""


@dataclass(slots=True)
class Function:
    """One function."""

    name: str
    line: int
    parameters: tuple[str, ...]
    body: list[Stmt]
    method: bool = False


CASTS = frozenset(
    "int float bool str uint8 uint16 uint32 uint64 int8 int16 int32 int64 float32 float64 item long double "
    "char uint8_t uint16_t uint32_t uint64_t int8_t int16_t int32_t int64_t size_t asarray "
    "ascontiguousarray".split()
)
"""Conversions: what goes in comes out."""


def walk(body: list[Stmt]) -> list[Stmt]:
    """Return all statements, nested ones after their owner."""
    found: list[Stmt] = []
    stack = list(reversed(body))
    while stack:
        node = stack.pop()
        found.append(node)
        stack.extend(reversed([*node.body, *node.other]))
    return found


def parts(expr: Expr | None) -> list[Expr]:
    """Return an expression and everything inside it."""
    if expr is None:
        return []
    found: list[Expr] = []
    stack = [expr]
    while stack:
        node = stack.pop()
        found.append(node)
        stack.extend(node.args)
    return found
