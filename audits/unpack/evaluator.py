"""Compute the constant parts of expressions, counting every step. Nothing of the submission is called."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import Any

from audits.unpack.limits import MAX_ITEMS, MAX_STEPS, MAX_TOTAL_BYTES, CapExceededError
from audits.unpack.readings import MAX_NUMBER, as_text, items_of, merged, path_text
from audits.unpack.values import (
    UNKNOWN,
    Closure,
    Data,
    PathValue,
    Ref,
    Scope,
    Unknown,
    Value,
    is_packed,
    key_of,
)

_BUILTINS = frozenset(
    """exec eval compile open zip enumerate range len list tuple dict str bytes bytearray int map
    reversed sorted chr ord getattr setattr globals locals vars __import__ print isinstance
    hasattr min max sum iter next repr filter set frozenset type super any all format hash id""".split()
)


class Budget:
    """Counts evaluation steps and bytes of one file's analysis."""

    def __init__(self) -> None:
        """Start with nothing spent."""
        self.steps = 0
        self.total = 0

    def step(self) -> None:
        """Count one step."""
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise CapExceededError(
                "budget-spent", f"more than {MAX_STEPS} steps to work out what is executed"
            )

    def spend(self, size: int) -> None:
        """Count bytes of a value about to be made."""
        self.total += size
        if self.total > MAX_TOTAL_BYTES:
            raise CapExceededError("budget-spent", f"values add up to more than {MAX_TOTAL_BYTES} bytes")


CallHandler = Callable[[ast.Call, Value, list[Value], dict[str, Value], Scope], Value]
AttributeHandler = Callable[[Value, str], Value]


class Evaluator:
    """Evaluates expressions; what calls and attributes mean is decided by the two handlers."""

    def __init__(self, budget: Budget, on_call: CallHandler, on_attribute: AttributeHandler) -> None:
        """Keep the handlers."""
        self.budget = budget
        self.on_call = on_call
        self.on_attribute = on_attribute
        self._visitors: dict[type[ast.expr], Callable[..., Value]] = {
            ast.Constant: self._constant,
            ast.Name: self._name,
            ast.Attribute: self._attribute,
            ast.Call: self._call,
            ast.BinOp: self._binary,
            ast.JoinedStr: self._joined,
            ast.Subscript: self._subscript,
            ast.List: self._list,
            ast.Tuple: lambda node, scope: tuple(self._list(node, scope)),
            ast.Dict: self._dict,
            ast.ListComp: self._comprehension,
            ast.GeneratorExp: self._comprehension,
            ast.DictComp: self._dict_comprehension,
            ast.IfExp: self._if,
            ast.NamedExpr: self._walrus,
            ast.UnaryOp: self._unary,
            ast.Lambda: lambda node, scope: Closure(node, scope),
            ast.Starred: lambda node, scope: UNKNOWN,
            ast.BoolOp: self._bool,
            ast.Await: lambda node, scope: self.value(node.value, scope),
        }

    def value(self, node: ast.expr | None, scope: Scope) -> Value:
        """Return what an expression comes to."""
        if node is None:
            return None
        self.budget.step()
        visitor = self._visitors.get(type(node))
        if visitor is not None:
            return visitor(node, scope)
        for child in ast.iter_child_nodes(node):  # a call inside may still run something
            if isinstance(child, ast.expr):
                self.value(child, scope)
        return UNKNOWN

    def bind(self, target: ast.expr, value: Value, scope: Scope) -> None:
        """Bind an assignment target."""
        if isinstance(target, ast.Name):
            scope.names[target.id] = value
        elif isinstance(target, ast.Tuple | ast.List):
            items = items_of(value)
            for index, part in enumerate(target.elts):
                known = items is not None and index < len(items) and not isinstance(part, ast.Starred)
                self.bind(part, items[index] if known and items is not None else UNKNOWN, scope)
        elif isinstance(target, ast.Subscript):
            owner = self.value(target.value, scope)
            key = key_of(self.value(target.slice, scope))
            if isinstance(owner, dict) and key is not None and len(owner) < MAX_ITEMS:
                owner[key] = value
        elif isinstance(target, ast.Starred):
            self.bind(target.value, UNKNOWN, scope)

    def _constant(self, node: ast.Constant, scope: Scope) -> Value:
        if isinstance(node.value, str | bytes):
            return Data(node.value, line=node.lineno, raw_bytes=len(node.value))
        return node.value if isinstance(node.value, int | float | bool | None) else UNKNOWN

    def _name(self, node: ast.Name, scope: Scope) -> Value:
        found = scope.get(node.id)
        if found is None and not _is_bound(scope, node.id):
            return Ref(f"builtins.{node.id}") if node.id in _BUILTINS else UNKNOWN
        return found

    def _attribute(self, node: ast.Attribute, scope: Scope) -> Value:
        return self.on_attribute(self.value(node.value, scope), node.attr)

    def _call(self, node: ast.Call, scope: Scope) -> Value:
        function = self.value(node.func, scope)
        args: list[Value] = []
        for arg in node.args:
            if isinstance(arg, ast.Starred):
                args += items_of(self.value(arg.value, scope)) or [UNKNOWN]
            else:
                args.append(self.value(arg, scope))
        named = {word.arg: self.value(word.value, scope) for word in node.keywords if word.arg}
        for word in node.keywords:
            if word.arg is None:
                self.value(word.value, scope)
        return self.on_call(node, function, args, named, scope)

    def _binary(self, node: ast.BinOp, scope: Scope) -> Value:
        # Long sums of literals lean left; walking the spine keeps Python's own stack short.
        spine: list[ast.BinOp] = []
        left: ast.expr = node
        while isinstance(left, ast.BinOp):
            spine.append(left)
            left = left.left
        result = self.value(left, scope)
        pieces: list[Data] = [result] if isinstance(result, Data) else []
        for part in reversed(spine):
            right = self.value(part.right, scope)
            if (
                pieces
                and isinstance(part.op, ast.Add)
                and isinstance(right, Data)
                and _alike(pieces[0], right)
            ):
                pieces.append(right)
                continue
            result = self._operate(part.op, self._joined_pieces(pieces) if pieces else result, right)
            pieces = [result] if isinstance(result, Data) else []
        return self._joined_pieces(pieces) if pieces else result

    def _joined_pieces(self, pieces: list[Data]) -> Value:
        return pieces[0] if len(pieces) == 1 else self.join(pieces[0].value[:0], list(pieces))

    def join(self, separator: str | bytes, parts: list[Value]) -> Value:
        """Return the parts joined, under the byte cap."""
        known = [part for part in parts if isinstance(part, Data) and type(part.value) is type(separator)]
        if len(known) != len(parts):
            return Unknown(packed=any(is_packed(part) for part in parts))
        self.budget.spend(sum(len(part.value) for part in known) + len(separator) * len(known))
        texts: list[Any] = [part.value for part in known]
        joined = separator.join(texts)
        return merged(known).like(joined)

    def _operate(self, op: ast.operator, left: Value, right: Value) -> Value:
        if isinstance(op, ast.Div) and isinstance(left, PathValue):
            text = path_text(right)
            return PathValue(_join_path(left.text, text)) if text is not None else UNKNOWN
        if isinstance(op, ast.Add) and isinstance(left, list) and isinstance(right, list):
            self.budget.spend(len(left) + len(right))
            return [*left, *right]
        if isinstance(op, ast.Add) and isinstance(left, tuple) and isinstance(right, tuple):
            self.budget.spend(len(left) + len(right))
            return (*left, *right)
        if isinstance(op, ast.Mod) and isinstance(left, Data) and isinstance(left.value, str):
            return self._percent(left, right)
        if isinstance(op, ast.BitOr) and isinstance(left, dict) and isinstance(right, dict):
            self.budget.spend(len(left) + len(right))
            return {**left, **right}
        if isinstance(left, int | float) and isinstance(right, int | float):
            return _arithmetic(op, left, right)
        if isinstance(op, ast.Mult) and isinstance(left, Data) and isinstance(right, int):
            self.budget.spend(len(left.value) * max(right, 0))
            return left.like(left.value * right)
        return Unknown(packed=is_packed(left) or is_packed(right))

    def _percent(self, left: Data, right: Value) -> Value:
        parts = str(left.value).split("%s")
        values = list(right) if isinstance(right, tuple) else [right]
        if any("%" in part.replace("%%", "") for part in parts) or len(values) != len(parts) - 1:
            return Unknown(packed=is_packed(right))
        pieces: list[Value] = []
        for index, part in enumerate(parts):
            pieces.append(left.like(part.replace("%%", "%")))
            if index < len(values):
                pieces.append(values[index])
        return self.join("", pieces)

    def _joined(self, node: ast.JoinedStr, scope: Scope) -> Value:
        pieces: list[Value] = []
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                value = self.value(part.value, scope)
                simple = part.format_spec is None and part.conversion in (-1, 115)
                pieces.append(as_text(value) if simple else UNKNOWN)
            else:
                pieces.append(self.value(part, scope))
        return self.join("", pieces) if pieces else Data("", line=node.lineno)

    def _subscript(self, node: ast.Subscript, scope: Scope) -> Value:
        owner = self.value(node.value, scope)
        if isinstance(node.slice, ast.Slice):
            return self._slice(owner, node.slice, scope)
        key = self.value(node.slice, scope)
        if isinstance(owner, dict):
            return owner.get(key_of(key), UNKNOWN)
        if isinstance(owner, list | tuple) and isinstance(key, int):
            return owner[key] if -len(owner) <= key < len(owner) else UNKNOWN
        if isinstance(owner, Data) and isinstance(key, int) and -len(owner.value) <= key < len(owner.value):
            item = owner.value[key]
            return item if isinstance(item, int) else owner.like(item)
        if isinstance(owner, Ref):  # parents[i] of an unknown path, sys.modules[...]
            return UNKNOWN
        return (
            self.on_attribute(owner, f"[{key}]") if isinstance(key, int) else Unknown(packed=is_packed(owner))
        )

    def _slice(self, owner: Value, node: ast.Slice, scope: Scope) -> Value:
        bounds = [self.value(part, scope) for part in (node.lower, node.upper, node.step)]
        if not all(part is None or isinstance(part, int) for part in bounds):
            return Unknown(packed=is_packed(owner))
        piece = slice(*(part if isinstance(part, int) else None for part in bounds))
        if piece.step == 0:
            return UNKNOWN
        if isinstance(owner, Data):
            self.budget.spend(len(owner.value))
            return owner.like(owner.value[piece])
        if isinstance(owner, list):
            return owner[piece]
        return owner[piece] if isinstance(owner, tuple) else UNKNOWN

    def _list(self, node: ast.List | ast.Tuple, scope: Scope) -> list[Value]:
        found: list[Value] = []
        for item in node.elts:
            if isinstance(item, ast.Starred):
                found += items_of(self.value(item.value, scope)) or [UNKNOWN]
            else:
                found.append(self.value(item, scope))
        return found

    def _dict(self, node: ast.Dict, scope: Scope) -> Value:
        found: dict[object, Value] = {}
        for key, item in zip(node.keys, node.values, strict=True):
            value = self.value(item, scope)
            if key is None:
                found.update(value if isinstance(value, dict) else {})
            else:
                name = key_of(self.value(key, scope))
                if name is not None:
                    found[name] = value
        return found

    def _rounds(self, generators: list[ast.comprehension], scope: Scope) -> Iterator[Scope]:
        inner = Scope(parent=scope)
        first = generators[0]
        items = items_of(self.value(first.iter, scope))
        for item in items[:MAX_ITEMS] if items is not None else [UNKNOWN]:
            self.bind(first.target, item, inner)
            tests = [self.value(test, inner) for test in first.ifs]
            if any(test is False or test is None for test in tests):
                continue
            if len(generators) > 1:
                yield from self._rounds(generators[1:], inner)
            else:
                yield inner

    def _comprehension(self, node: ast.ListComp | ast.GeneratorExp, scope: Scope) -> Value:
        return [self.value(node.elt, inner) for inner in self._rounds(node.generators, scope)]

    def _dict_comprehension(self, node: ast.DictComp, scope: Scope) -> Value:
        found: dict[object, Value] = {}
        for inner in self._rounds(node.generators, scope):
            key = key_of(self.value(node.key, inner))
            value = self.value(node.value, inner)
            if key is not None:
                found[key] = value
        return found

    def _if(self, node: ast.IfExp, scope: Scope) -> Value:
        test = self.value(node.test, scope)
        if isinstance(test, bool):
            return self.value(node.body if test else node.orelse, scope)
        body, other = self.value(node.body, scope), self.value(node.orelse, scope)
        return other if isinstance(body, Unknown) else body

    def _bool(self, node: ast.BoolOp, scope: Scope) -> Value:
        values = [self.value(part, scope) for part in node.values]
        return next((value for value in values if not isinstance(value, Unknown | bool)), UNKNOWN)

    def _walrus(self, node: ast.NamedExpr, scope: Scope) -> Value:
        value = self.value(node.value, scope)
        self.bind(node.target, value, scope)
        return value

    def _unary(self, node: ast.UnaryOp, scope: Scope) -> Value:
        value = self.value(node.operand, scope)
        if isinstance(node.op, ast.USub) and isinstance(value, int | float):
            return -value
        if isinstance(node.op, ast.Not) and isinstance(value, bool):
            return not value
        return UNKNOWN


def _alike(one: Data, other: Data) -> bool:
    return type(other.value) is type(one.value)


def _is_bound(scope: Scope, name: str) -> bool:
    current: Scope | None = scope
    while current is not None:
        if name in current.names:
            return True
        current = current.parent
    return False


def _arithmetic(op: ast.operator, left: float, right: float) -> Value:
    if abs(left) > MAX_NUMBER or abs(right) > MAX_NUMBER:
        return UNKNOWN
    if isinstance(op, ast.Add):
        return left + right
    if isinstance(op, ast.Sub):
        return left - right
    if isinstance(op, ast.Mult):
        return left * right
    if isinstance(op, ast.BitOr) and isinstance(left, int) and isinstance(right, int):
        return left | right
    if isinstance(op, ast.FloorDiv) and right:
        return left // right
    return UNKNOWN


def _join_path(left: str, right: str) -> str:
    return right if right.startswith("/") else f"{left.rstrip('/')}/{right}"
