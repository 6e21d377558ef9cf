"""How scored tokens are turned into bytes: which lookups are made, and how spaces are added."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING

from audits.facts.byte_table.flow import Flow, Shallow
from audits.facts.byte_table.index import expressions
from audits.facts.byte_table.records import SpaceRule
from audits.facts.byte_table.semantics import Role, role
from audits.facts.byte_table.values import SideFile, Table, Value, as_table, options, signature

if TYPE_CHECKING:
    from audits.facts.byte_table.frames import Frame
    from audits.facts.byte_table.index import FunctionInfo, ModuleIndex

_LOOKUPS = frozenset("gather index_select take embedding take_along_axis".split())
_INVERSE = frozenset("logical_not bitwise_not invert".split())
_BOTH = frozenset("logical_and bitwise_and mul multiply".split())


class Shape(Enum):
    """What an expression stands for in the byte count of a token."""

    BYTES = auto()
    LEADING = auto()
    BOUNDARY = auto()
    ORDINARY = auto()
    SPACE = auto()
    """Leading and not after a boundary."""
    SIDE = auto()
    NOT_SIDE = auto()


_SHAPES = {
    Role.BYTES: Shape.BYTES,
    Role.LEADING: Shape.LEADING,
    Role.BOUNDARY: Shape.BOUNDARY,
    Role.ORDINARY: Shape.ORDINARY,
    Role.SIDE: Shape.SIDE,
}


@dataclass(slots=True)
class Lookup:
    """One lookup of bytes by token, and the tables that may stand there."""

    tables: list[Table]
    line: int
    end: int


@dataclass(slots=True)
class Usage:
    """What one function does with byte tables."""

    index: ModuleIndex
    scope: FunctionInfo | None
    lookups: dict[Value, Lookup] = field(default_factory=dict)
    """Distinct lookups of bytes, by what may arrive in them."""
    seen: set[Shape] = field(default_factory=set)
    result: Shape | None = None
    """What the function returns, for helpers of one line."""

    @property
    def space(self) -> SpaceRule:
        """How the function itself adds leading spaces."""
        if (
            Shape.SPACE in self.seen
            or Shape.LEADING in self.seen
            and self.seen & {Shape.BOUNDARY, Shape.ORDINARY}
        ):
            return SpaceRule.GUARDED
        return SpaceRule.UNGUARDED if Shape.LEADING in self.seen else SpaceRule.ABSENT


class UseReader:
    """Reads the statements that mention tables, one function at a time."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.helpers: dict[str, Shape] = {}

    def read(self) -> list[Usage]:
        """Return what every function does; helpers that return one shape are known in a second round."""
        found: list[Usage] = []
        for _ in range(2):
            found = [self._scope(*touched) for touched in self.flow.labels.touched.values()]
            self.helpers = {
                usage.scope.name: usage.result for usage in found if usage.scope is not None and usage.result
            }
            if not self.helpers:
                break
        return [usage for usage in found if usage.seen]

    def _scope(
        self, index: ModuleIndex, scope: FunctionInfo | None, statements: dict[int, ast.stmt]
    ) -> Usage:
        usage = Usage(index, scope)
        shapes: dict[str, Shape] = {}
        frame = self.flow.frame(index, scope)
        run = Shallow(index, self.flow.labels)
        reader = _Reader(run, frame, shapes, usage, self.helpers)
        todo = sorted(statements.values(), key=lambda node: (node.lineno, node.col_offset))
        known: set[int] = set()
        for node in todo:
            known.add(id(node))
            reader.statement(node)
        if shapes:  # names that carry a shape may be combined in statements that name no table
            first, last = (scope.node.lineno, scope.node.end_lineno or 0) if scope is not None else (1, 0)
            lines = sorted({line for name in shapes for line in index.mentions(name, first, last)})
            for node in index.statements_on(scope, lines):
                if id(node) not in known:
                    reader.statement(node)
        return usage


@dataclass(slots=True)
class _Reader:
    run: Shallow
    frame: Frame
    shapes: dict[str, Shape]
    usage: Usage
    helpers: dict[str, Shape]

    def statement(self, node: ast.stmt) -> None:
        """Read one statement."""
        for expression in expressions(node):
            shape = self.shape(expression)
            if isinstance(node, ast.Return) and shape is not None:
                self.usage.result = shape
            if isinstance(node, ast.Assign) and shape is not None:
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        self.shapes[target.id] = shape

    def shape(self, node: ast.expr) -> Shape | None:
        """Return what an expression stands for, noting every lookup inside it."""
        if isinstance(node, ast.Name):
            return self.shapes.get(node.id)
        if isinstance(node, ast.Subscript):
            return self._subscript(node)
        if isinstance(node, ast.Call):
            return self._call(node)
        if isinstance(node, ast.UnaryOp):
            inner = self.shape(node.operand)
            return _negated(inner) if isinstance(node.op, (ast.Invert, ast.Not)) else inner
        if isinstance(node, ast.BinOp):
            return self._binary(node)
        if isinstance(node, ast.BoolOp):
            shapes = [self.shape(part) for part in node.values]
            return self._both(shapes) if isinstance(node.op, ast.And) else _first(shapes)
        if isinstance(node, ast.Compare):
            shapes = [self.shape(part) for part in (node.left, *node.comparators)]
            return _negated(shapes[0]) if _is_zero_test(node) else _first(shapes)
        if isinstance(node, ast.IfExp):
            test = self.shape(node.test)
            return _first([test, self.shape(node.body), self.shape(node.orelse)])
        return _first([self.shape(part) for part in ast.iter_child_nodes(node) if isinstance(part, ast.expr)])

    def _subscript(self, node: ast.Subscript) -> Shape | None:
        if isinstance(node.slice, ast.Slice) or not isinstance(node.ctx, ast.Load):
            return self.shape(node.value)
        found = self._lookup(node.value, node)
        self.shape(node.slice)
        return found if found is not None else self.shape(node.value)

    def _lookup(self, owner: ast.expr, node: ast.expr) -> Shape | None:
        if isinstance(owner, (ast.Constant, ast.BinOp, ast.Compare)):
            return None
        value = self.run.value(owner, self.frame)
        tables = [table for option in options(value) if (table := _table(option)) is not None]
        shapes = {table_shape: None for table in tables if (table_shape := _SHAPES.get(role(table)))}
        self.usage.seen.update(shapes)
        counted = [table for table in tables if role(table) in (Role.BYTES, Role.SIDE)]
        if counted:
            key = tuple(sorted((signature(table) for table in counted), key=repr))
            self.usage.lookups.setdefault(key, Lookup(counted, node.lineno, node.end_lineno or node.lineno))
        return next(iter(shapes), None)

    def _call(self, node: ast.Call) -> Shape | None:
        callee = node.func
        name = (
            callee.attr
            if isinstance(callee, ast.Attribute)
            else callee.id
            if isinstance(callee, ast.Name)
            else ""
        )
        arguments = [*node.args, *(part.value for part in node.keywords)]
        if name in _LOOKUPS:
            owners = [callee.value, *arguments] if isinstance(callee, ast.Attribute) else arguments
            for owner in owners:
                if isinstance(owner, (ast.Name, ast.Attribute)):
                    found = self._lookup(owner, node)
                    if found is not None:
                        return found
        shapes = [self.shape(part) for part in arguments]
        if isinstance(callee, ast.Attribute):
            shapes.insert(0, self.shape(callee.value))
        if name in self.helpers:
            if self.helpers[name] is Shape.SPACE:
                self.usage.seen.add(Shape.SPACE)
            return self.helpers[name]
        if name in _INVERSE:
            return _negated(_first(shapes))
        return self._both(shapes) if name in _BOTH else _first(shapes)

    def _binary(self, node: ast.BinOp) -> Shape | None:
        shapes = [self.shape(node.left), self.shape(node.right)]
        if isinstance(node.op, (ast.BitAnd, ast.Mult)):
            return self._both(shapes)
        if isinstance(node.op, ast.Sub) and isinstance(node.left, ast.Constant) and node.left.value == 1:
            return _negated(shapes[1])
        if isinstance(node.op, ast.Add) and Shape.BYTES in shapes:
            return Shape.BYTES
        return _first(shapes)

    def _both(self, shapes: list[Shape | None]) -> Shape | None:
        if (
            Shape.LEADING in shapes
            and Shape.ORDINARY in shapes
            or Shape.SIDE in shapes
            and Shape.NOT_SIDE in shapes
        ):
            self.usage.seen.add(Shape.SPACE)
            return Shape.SPACE
        return _first(shapes)


def _table(value: Value) -> Table | None:
    return None if isinstance(value, SideFile) else as_table(value)


def _negated(shape: Shape | None) -> Shape | None:
    return (
        {
            Shape.BOUNDARY: Shape.ORDINARY,
            Shape.ORDINARY: Shape.BOUNDARY,
            Shape.SIDE: Shape.NOT_SIDE,
            Shape.NOT_SIDE: Shape.SIDE,
        }.get(shape, shape)
        if shape is not None
        else None
    )


def _is_zero_test(node: ast.Compare) -> bool:
    right = node.comparators[0]
    return (
        isinstance(node.ops[0], (ast.Eq, ast.Is))
        and isinstance(right, ast.Constant)
        and right.value in (0, False)
    )


def _first(shapes: list[Shape | None]) -> Shape | None:
    ranked = [shape for shape in shapes if shape is not None]
    for strong in (Shape.BYTES, Shape.SPACE):
        if strong in ranked:
            return strong
    return ranked[0] if ranked else None
