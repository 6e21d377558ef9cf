"""Find the numbers that can switch a gated hint off, and the settings that they come from.

From the array that holds the hint, through returns, calls and unpacking, to the places where it meets a
parameter: compared with one (a threshold) or combined with one (a boost). Where several hints meet, it ends.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from audits.facts.byte_table.guards import environment, environment_default, variable_of
from audits.facts.native.records import Switch

if TYPE_CHECKING:
    from audits.facts.byte_table.index import FunctionInfo, ModuleIndex

DEPTH = 4
Definition = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(slots=True, eq=False)
class Producer:
    """A function that fills arrays with hints, and which of them are gated."""

    index: ModuleIndex
    info: FunctionInfo
    gated: set[str]


@dataclass(slots=True)
class _Meeting:
    """What one hint meets in one function: (expression, compared) pairs."""

    found: list[tuple[ast.expr, bool]] = field(default_factory=list)


class SwitchFinder:
    """Follows hints forward and parameters backward through the modules."""

    def __init__(self, indexes: list[ModuleIndex], producers: list[Producer]) -> None:
        self.indexes = indexes
        self.producers = producers

    def switches(self, producer: Producer) -> tuple[Switch, ...]:
        """Return the switches of one producer's gated hints."""
        found: dict[Switch, None] = {}
        for index, scope, own, other in self._receivers(producer):
            meeting = _Meeting()
            self._follow(index, scope.node, own, other, meeting, 0)
            for expression, compared in meeting.found:
                switch = self._resolve(index, scope, expression, compared, 0)
                if switch is not None:
                    default = environment_default(self.indexes, switch.name) if switch.name else None
                    found[replace(switch, default=default)] = None
        return tuple(found)

    # ---- forward: who receives the arrays -----------------------------------------------------------

    def _receivers(self, producer: Producer) -> list[tuple[ModuleIndex, FunctionInfo, set[str], set[str]]]:
        arity, places = _returned(producer.info.node, producer.gated)
        found = []
        for index in self.indexes:
            for scope in index.functions:
                own: set[str] = set()
                other: set[str] = set()
                if not self._mentions_any(index, scope):
                    continue
                for node in scope.statements:
                    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
                        self._receive(node, producer, arity, places, own, other)
                if own:
                    found.append((index, scope, own, other - own))
        return found

    def _mentions_any(self, index: ModuleIndex, scope: FunctionInfo) -> bool:
        first, last = scope.node.lineno, scope.node.end_lineno or scope.node.lineno
        return any(index.mentions(p.info.name, first, last) for p in self.producers if p.info is not scope)

    def _receive(
        self,
        node: ast.Assign,
        producer: Producer,
        arity: int,
        places: set[int],
        own: set[str],
        other: set[str],
    ) -> None:
        assert isinstance(node.value, ast.Call)
        name = _called(node.value)
        target = node.targets[0]
        names = (
            [_identifier(part) for part in target.elts]
            if isinstance(target, ast.Tuple)
            else [_identifier(target)]
        )
        if name == producer.info.name and (len(names) == arity or len(names) == 1):
            for place, received in enumerate(names):
                (own if place in places or len(names) == 1 else other).add(received)
        elif any(name == entry.info.name for entry in self.producers):
            other.update(names)

    def _follow(
        self,
        index: ModuleIndex,
        function: Definition,
        own: set[str],
        other: set[str],
        meeting: _Meeting,
        depth: int,
    ) -> None:
        knobs = {
            arg.arg for arg in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)
        }
        statements = [
            node for node in ast.walk(function) if isinstance(node, (ast.Assign, ast.Return, ast.Expr))
        ]
        for node in sorted(statements, key=lambda entry: entry.lineno):
            if node.value is None:
                continue
            names = {part.id for part in ast.walk(node.value) if isinstance(part, ast.Name)}
            if isinstance(node, ast.Assign):
                knobs |= self._numbers(node)
            if not names & own:
                if isinstance(node, ast.Assign) and names & other:
                    other.update(_bound(node))
                continue
            if names & other and not _calls_known(node.value, index):
                continue  # several experts meet here
            self._meet(index, node.value, own, other, knobs - own, meeting, depth)
            if isinstance(node, ast.Assign) and not names & other:
                own.update(_bound(node))

    @staticmethod
    def _numbers(node: ast.Assign) -> set[str]:
        """Names that are bound to a number or a setting."""
        value = node.value
        inner = (
            value.args[0]
            if isinstance(value, ast.Call) and _called(value) in ("float", "int") and value.args
            else value
        )
        if isinstance(inner, ast.Constant) or (isinstance(inner, ast.Call) and environment(inner)):
            return _bound(node)
        return set()

    def _meet(
        self, index: ModuleIndex, node: ast.expr, own: set[str], other: set[str], knobs: set[str],
        meeting: _Meeting, depth: int,
    ) -> None:  # fmt: skip
        for part in ast.walk(node):
            if isinstance(part, ast.Call):
                inner = index.function(_called(part))
                if inner is not None:
                    self._enter(index, inner, part, own, other, meeting, depth)
            elif isinstance(part, (ast.Compare, ast.BinOp)):
                sides = (
                    [part.left, *part.comparators]
                    if isinstance(part, ast.Compare)
                    else [part.left, part.right]
                )
                for side in sides:
                    rest = [entry for entry in sides if entry is not side]
                    if _is_knob(side, knobs) and any(_names(entry) & own for entry in rest):
                        meeting.found.append((_knob(side), isinstance(part, ast.Compare)))

    def _enter(
        self, index: ModuleIndex, info: FunctionInfo, call: ast.Call, own: set[str], other: set[str],
        meeting: _Meeting, depth: int,
    ) -> None:  # fmt: skip
        if depth >= DEPTH:
            return
        given = _given(info, call)
        inner_own = {name for name, part in given.items() if _names(part) & own}
        if not inner_own:
            return
        inner = _Meeting()
        inner_other = {name for name, part in given.items() if _names(part) & other} - inner_own
        self._follow(index, info.node, inner_own, inner_other, inner, depth + 1)
        for expression, compared in inner.found:
            outside = given.get(expression.id) if isinstance(expression, ast.Name) else None
            if outside is not None:
                meeting.found.append((outside, compared))

    # ---- backward: where a number comes from --------------------------------------------------------

    def _resolve(
        self, index: ModuleIndex, scope: FunctionInfo, node: ast.expr, compared: bool, depth: int
    ) -> Switch | None:
        if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
            return Switch("", node.value, compared)
        if depth > DEPTH:
            return None
        if isinstance(node, ast.Attribute):
            return Switch(variable_of(self.indexes, node.attr) or node.attr, None, compared)
        if not isinstance(node, ast.Name):
            return None
        for statement in scope.statements:
            if isinstance(statement, ast.Assign) and node.id in _bound(statement):
                name = environment(statement.value)
                if name:
                    return Switch(name, None, compared)
                return self._resolve(index, scope, statement.value, compared, depth + 1)
        constant = index.constants.get(node.id)
        if constant is not None:
            name = environment(constant)
            return (
                Switch(name, None, compared)
                if name
                else self._resolve(index, scope, constant, compared, depth + 1)
            )
        return self._from_callers(index, scope, node.id, compared, depth)

    def _from_callers(
        self, index: ModuleIndex, scope: FunctionInfo, name: str, compared: bool, depth: int
    ) -> Switch | None:
        for other in self.indexes:
            for line in other.mentions(scope.name):
                caller = other.function_at(line)
                for node in other.statements_on(caller, [line]):
                    for call in (part for part in ast.walk(node) if isinstance(part, ast.Call)):
                        if _called(call) == scope.name and caller is not None and caller is not scope:
                            given = _given(scope, call).get(name)
                            if given is not None:
                                return self._resolve(other, caller, given, compared, depth + 1)
        default = _default(scope.node, name)
        return Switch(name, default, compared) if default is not None else None


def _returned(node: Definition, gated: set[str]) -> tuple[int, set[int]]:
    for part in ast.walk(node):
        if isinstance(part, ast.Return) and part.value is not None and _names(part.value) & gated:
            elements = part.value.elts if isinstance(part.value, ast.Tuple) else [part.value]
            return len(elements), {place for place, entry in enumerate(elements) if _names(entry) & gated}
    return 0, set()


def _given(info: FunctionInfo, call: ast.Call) -> dict[str, ast.expr]:
    names = [arg.arg for arg in (*info.node.args.posonlyargs, *info.node.args.args)]
    if info.in_class is not None and names[:1] == ["self"]:
        names = names[1:]
    found = dict(zip(names, call.args, strict=False))
    found.update({keyword.arg: keyword.value for keyword in call.keywords if keyword.arg})
    return found


def _default(node: Definition, name: str) -> float | None:
    positional = [*node.args.posonlyargs, *node.args.args]
    pairs = [*zip(reversed(positional), reversed(node.args.defaults), strict=False)]
    pairs += [
        (arg, value) for arg, value in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True) if value
    ]
    for arg, value in pairs:
        if arg.arg == name and isinstance(value, ast.Constant) and isinstance(value.value, (int, float)):
            return value.value
    return None


def _is_knob(node: ast.expr, knobs: set[str]) -> bool:
    inner = _knob(node)
    return (isinstance(inner, ast.Name) and inner.id in knobs) or isinstance(inner, ast.Attribute)


def _knob(node: ast.expr) -> ast.expr:
    while isinstance(node, ast.Call) and len(node.args) == 1 and not node.keywords:
        node = node.args[0]
    return node


def _names(node: ast.expr) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def _bound(node: ast.Assign) -> set[str]:
    return {part.id for target in node.targets for part in ast.walk(target) if isinstance(part, ast.Name)}


def _identifier(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    return f"{_identifier(node.value)}.{node.attr}" if isinstance(node, ast.Attribute) else ""


def _called(call: ast.Call) -> str:
    callee = call.func
    return (
        callee.id
        if isinstance(callee, ast.Name)
        else callee.attr
        if isinstance(callee, ast.Attribute)
        else ""
    )


def _calls_known(node: ast.expr, index: ModuleIndex) -> bool:
    calls = [part for part in ast.walk(node) if isinstance(part, ast.Call)]
    return any(index.function(_called(part)) is not None for part in calls)
