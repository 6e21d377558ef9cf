"""Evaluate expressions under a whitelist of pure operations."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from audits.facts.byte_table import operations as op
from audits.facts.byte_table.frames import STEPS, Closure, Frame, Stop, only_raises, truthy
from audits.facts.byte_table.values import OPAQUE, Choice, Opaque, SideFile, Table, Value
from audits.facts.byte_table.vocabulary import SIZE

if TYPE_CHECKING:
    from audits.facts.byte_table.index import ModuleIndex


class Expressions:
    """Values of expressions in one run: a module, a step budget, the way taken at each unknown condition."""

    def __init__(self, index: ModuleIndex, decisions: dict[int, bool]) -> None:
        self.index = index
        self.decisions = decisions
        self.pending: list[int] = []
        self.steps = 0
        self.attributes: dict[str, Value] = {}
        self.globals: dict[str, Value] = {}

    def assign(self, target: ast.expr, value: Value, frame: Frame) -> None:
        """Bind a value to a name, attribute, entry or pattern."""
        raise NotImplementedError

    def value(self, node: ast.expr, frame: Frame) -> Value:
        """Evaluate one expression; OPAQUE when it cannot be known."""
        self.steps += 1
        if self.steps > STEPS:
            raise Stop
        handler = getattr(self, "_eval_" + type(node).__name__, None)
        return OPAQUE if handler is None else handler(node, frame)

    def truth(self, test: ast.expr, frame: Frame, owner: ast.AST) -> bool:
        """Decide a condition; an unknown one goes the way this run was told to take."""
        value = self.value(test, frame)
        if not isinstance(value, (Opaque, Choice, Table, SideFile, Closure)):
            return truthy(value)
        if only_raises(owner):
            return False
        key = id(owner)
        if key not in self.decisions:
            self.decisions[key] = True
            self.pending.append(key)
        return self.decisions[key]

    def _eval_Constant(self, node: ast.Constant, frame: Frame) -> Value:
        return node.value

    def _eval_Name(self, node: ast.Name, frame: Frame) -> Value:
        scope: Frame | None = frame
        while scope is not None:
            if node.id in scope.names:
                return scope.names[node.id]
            scope = scope.outer
        return self._global(node.id)

    def _global(self, name: str) -> Value:
        if name in self.globals:
            return self.globals[name]
        self.globals[name] = OPAQUE  # also ends a cycle of definitions
        expression = self.index.constants.get(name)
        if expression is not None and name not in self.index.imported:
            self.globals[name] = self.value(expression, Frame({}))
        return self.globals[name]

    def _eval_Attribute(self, node: ast.Attribute, frame: Frame) -> Value:
        owner = self.value(node.value, frame)
        if isinstance(owner, SideFile):
            return self._origin(owner.entry(node.attr))
        if isinstance(owner, Table):
            return owner if node.attr in ("T", "data", "at") else SIZE if node.attr == "size" else OPAQUE
        return self.attributes.get(node.attr, OPAQUE)

    def _eval_Tuple(self, node: ast.Tuple, frame: Frame) -> Value:
        return tuple(self._elements(node.elts, frame))

    def _eval_List(self, node: ast.List, frame: Frame) -> Value:
        return self._elements(node.elts, frame)

    def _eval_Set(self, node: ast.Set, frame: Frame) -> Value:
        values = self._elements(node.elts, frame)
        return set(values) if all(isinstance(value, (int, str, bytes)) for value in values) else OPAQUE

    def _elements(self, nodes: list[ast.expr], frame: Frame) -> list[Value]:
        found: list[Value] = []
        for node in nodes[: op.LONGEST]:
            if isinstance(node, ast.Starred):
                found.extend(op.listed(self.value(node.value, frame)) or [OPAQUE])
            else:
                found.append(self.value(node, frame))
        return found

    def _eval_Dict(self, node: ast.Dict, frame: Frame) -> Value:
        found: dict[Value, Value] = {}
        for key, entry in zip(node.keys[: op.LONGEST], node.values, strict=False):
            name = self.value(key, frame) if key is not None else OPAQUE
            value = self.value(entry, frame)
            if isinstance(name, (str, int)):
                found[name] = value
        return found

    def _eval_JoinedStr(self, node: ast.JoinedStr, frame: Frame) -> Value:
        parts = [self.value(part, frame) for part in node.values]
        return "".join(parts) if all(isinstance(part, str) for part in parts) else OPAQUE

    def _eval_FormattedValue(self, node: ast.FormattedValue, frame: Frame) -> Value:
        value = self.value(node.value, frame)
        return str(value) if isinstance(value, (str, int)) and node.format_spec is None else OPAQUE

    def _eval_NamedExpr(self, node: ast.NamedExpr, frame: Frame) -> Value:
        value = self.value(node.value, frame)
        self.assign(node.target, value, frame)
        return value

    def _eval_Lambda(self, node: ast.Lambda, frame: Frame) -> Value:
        return Closure(node.args, node.body, frame)

    def _eval_IfExp(self, node: ast.IfExp, frame: Frame) -> Value:
        return self.value(node.body if self.truth(node.test, frame, node) else node.orelse, frame)

    def _eval_BoolOp(self, node: ast.BoolOp, frame: Frame) -> Value:
        stop = isinstance(node.op, ast.Or)
        known: Value = not stop
        for part in node.values:
            value = self.value(part, frame)
            if isinstance(value, (Opaque, Choice, Table, SideFile)):
                known = OPAQUE
            elif truthy(value) == stop:
                return value
            elif not isinstance(known, Opaque):
                known = value
        return known

    def _eval_UnaryOp(self, node: ast.UnaryOp, frame: Frame) -> Value:
        value = self.value(node.operand, frame)
        if isinstance(node.op, ast.Invert):
            return op.invert(value)
        if isinstance(node.op, ast.Not):
            return op.apply(lambda entry: not entry, value)
        return op.apply(lambda entry: -entry, value) if isinstance(node.op, ast.USub) else value

    def _eval_BinOp(self, node: ast.BinOp, frame: Frame) -> Value:
        left, right = self.value(node.left, frame), self.value(node.right, frame)
        if isinstance(node.op, ast.Mult) and isinstance(left, list) and isinstance(right, (int, Opaque)):
            return self._repeated(left, right, node.lineno)
        function = op.BINARY.get(type(node.op))
        return OPAQUE if function is None else op.apply(function, left, right)

    def _repeated(self, left: list[Value], right: Value, line: int) -> Value:
        if len(left) != 1:
            return OPAQUE
        if isinstance(right, int) and right < SIZE:
            return left * max(right, 0)
        if isinstance(left[0], (int, float, bytes)):
            return self._origin(Table(left * SIZE, line))
        return left * SIZE

    def _eval_Compare(self, node: ast.Compare, frame: Frame) -> Value:
        left = self.value(node.left, frame)
        verdict: Value = True
        for operation, right_node in zip(node.ops, node.comparators, strict=False):
            right = self.value(right_node, frame)
            step = op.apply(op.COMPARE[type(operation)], left, right)
            verdict = step if len(node.ops) == 1 else op.apply(lambda a, b: bool(a and b), verdict, step)
            left = right
        return verdict

    def _eval_Subscript(self, node: ast.Subscript, frame: Frame) -> Value:
        owner = self.value(node.value, frame)
        if isinstance(node.slice, ast.Slice):
            return self._sliced(owner, node.slice, frame)
        place = self.value(node.slice, frame)
        if isinstance(owner, SideFile):
            return self._origin(owner.entry(place if isinstance(place, str) else ""))
        if isinstance(owner, Table):
            if isinstance(place, int) and not isinstance(place, bool):
                return owner.cells[place] if -SIZE <= place < SIZE else OPAQUE
            return owner if isinstance(place, (list, range)) and list(place) == list(range(SIZE)) else OPAQUE
        if isinstance(owner, dict) and isinstance(place, (str, int)):
            return owner.get(place, OPAQUE)
        if isinstance(owner, (str, bytes, list, tuple, bytearray, range)) and isinstance(place, int):
            return owner[place] if -len(owner) <= place < len(owner) else OPAQUE
        return OPAQUE

    def _sliced(self, owner: Value, where: ast.Slice, frame: Frame) -> Value:
        bounds = [
            self.value(part, frame) if part else None for part in (where.lower, where.upper, where.step)
        ]
        if isinstance(owner, Table):
            return owner if bounds[0] in (None, 0) else OPAQUE
        if isinstance(owner, (str, bytes, list, tuple, bytearray)):
            known = [part for part in bounds if part is None or isinstance(part, int)]
            if len(known) == 3 and known[2] != 0:
                return owner[slice(known[0], known[1], known[2])]
            if isinstance(owner, list) and len(owner) == SIZE and bounds[0] in (None, 0):
                return owner
        return OPAQUE

    def _origin(self, value: Value) -> Value:
        if isinstance(value, Table) and not value.origin[0]:
            value.origin = self.index.origin
        return value
