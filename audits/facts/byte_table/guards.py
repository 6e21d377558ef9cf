"""Whether the claimed run reaches a piece of code, as far as its conditions hang on settings.

Three-valued: True, False, or None where a condition is not known. From the line outward through the
conditions around it, then on to the places that call the function, until nobody calls any more.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from audits.facts.byte_table.index import FunctionInfo, ModuleIndex
from audits.facts.settings import ValueOrigin

if TYPE_CHECKING:
    from collections.abc import Callable

    from audits.facts.settings import Scalar, Settings

DEPTH = 5
SITES = 12
"""Call sites of one function that are looked at."""
Known = bool | None


class Guards:
    """Answers for one submission; every function is asked about once."""

    def __init__(self, indexes: list[ModuleIndex], settings: Settings) -> None:
        self.indexes = indexes
        self.settings = settings
        self._functions: dict[int, Known] = {}

    def reached(self, index: ModuleIndex, scope: FunctionInfo | None, line: int, depth: int = 0) -> Known:
        """Return whether the run comes to a line of a scope."""
        if scope is None:
            return self._inside(index, None, index.module.tree.body, line)
        here = self._inside(index, scope, scope.node.body, line)
        return here if here is False or depth > DEPTH else _and(here, self.called(index, scope, depth))

    def called(self, index: ModuleIndex, scope: FunctionInfo, depth: int = 0) -> Known:
        """Return whether the run calls a function."""
        key = id(scope.node)
        if key not in self._functions:
            self._functions[key] = None  # also ends recursion
            self._functions[key] = self._called(index, scope, depth)
        return self._functions[key]

    def _called(self, index: ModuleIndex, scope: FunctionInfo, depth: int) -> Known:
        by_class = scope.in_class is not None and (scope.name.startswith("__") or scope.name == "forward")
        name = scope.in_class if by_class and scope.in_class else scope.name
        answers: list[Known] = []
        for other in self.indexes:
            for line in other.mentions(name):
                if other is index and scope.node.lineno <= line <= (scope.node.end_lineno or line):
                    continue
                caller = other.function_at(line)
                statements = list(other.statements_on(caller, [line]))
                if not statements or all(
                    isinstance(node, (ast.Import, ast.ImportFrom)) for node in statements
                ):
                    continue
                answers.append(self.reached(other, caller, line, depth + 1))
                if answers[-1] is True or len(answers) > SITES:
                    break
        if True in answers:
            return True
        return None if None in answers else False

    # ---- conditions around a line -------------------------------------------------------------------

    def _inside(
        self, index: ModuleIndex, scope: FunctionInfo | None, body: list[ast.stmt], line: int
    ) -> Known:
        known: Known = True
        for node in body:
            if (
                isinstance(node, ast.If)
                and node.lineno < line
                and _leaves(node.body)
                and not _covers(node, line)
            ):
                known = _and(known, _not(self.value(index, scope, node.test)))
            if not _covers(node, line):
                continue
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                return known
            if isinstance(node, ast.If):
                test = self.value(index, scope, node.test)
                if any(_covers(part, line) for part in node.body):
                    return _and(_and(known, test), self._inside(index, scope, node.body, line))
                if any(_covers(part, line) for part in node.orelse):
                    return _and(_and(known, _not(test)), self._inside(index, scope, node.orelse, line))
                return known
            for block in (
                getattr(node, "body", []),
                getattr(node, "orelse", []),
                getattr(node, "finalbody", []),
            ):
                if any(_covers(part, line) for part in block):
                    return _and(known, self._inside(index, scope, block, line))
            return known
        return known

    def value(self, index: ModuleIndex, scope: FunctionInfo | None, test: ast.expr, depth: int = 0) -> Known:
        """Decide a condition by the settings; None when they do not decide it."""
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            return _not(self.value(index, scope, test.operand, depth))
        if isinstance(test, ast.BoolOp):
            parts = [self.value(index, scope, part, depth) for part in test.values]
            stop = isinstance(test.op, ast.Or)
            return stop if stop in parts else None if None in parts else not stop
        if isinstance(test, ast.Compare) and len(test.ops) == 1:
            left, right = (
                self.scalar(index, scope, part, depth) for part in (test.left, test.comparators[0])
            )
            return _compare(test.ops[0], left, right)
        found = self.scalar(index, scope, test, depth)
        return None if found is _UNKNOWN else bool(found)

    def scalar(
        self, index: ModuleIndex, scope: FunctionInfo | None, node: ast.expr, depth: int = 0
    ) -> Scalar:
        """Return the value that the settings give an expression, or the marker for an unknown one."""
        if isinstance(node, ast.Constant) and isinstance(node.value, (int, float, str, type(None))):
            return node.value
        if depth > DEPTH:
            return _UNKNOWN
        if isinstance(node, ast.Attribute):
            return self._setting(node.attr)
        if isinstance(node, ast.Call):
            return self._call(index, scope, node, depth)
        if isinstance(node, ast.Name):
            return self._name(index, scope, node.id, depth)
        if isinstance(node, (ast.BoolOp, ast.Compare)) or (
            isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
        ):
            known = self.value(index, scope, node, depth + 1)
            return _UNKNOWN if known is None else known
        return _UNKNOWN

    def _call(self, index: ModuleIndex, scope: FunctionInfo | None, node: ast.Call, depth: int) -> Scalar:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name in ("bool", "int", "float", "str") and node.args:
            return _converted(name, self.scalar(index, scope, node.args[0], depth + 1))
        if name == "getattr" and len(node.args) >= 2 and isinstance(node.args[1], ast.Constant):
            return self._setting(str(node.args[1].value))
        variable = environment(node)
        if variable is not None:
            return self._setting(variable)
        return _UNKNOWN

    def _name(self, index: ModuleIndex, scope: FunctionInfo | None, name: str, depth: int) -> Scalar:
        own = scope.statements if scope is not None else index.statements
        bound = [
            node
            for node in own
            if isinstance(node, ast.Assign)
            and any(isinstance(t, ast.Name) and t.id == name for t in node.targets)
        ]
        if len(bound) == 1:
            return self.scalar(index, scope, bound[0].value, depth + 1)
        if bound or scope is None:
            return _UNKNOWN
        if name in index.constants:
            return self.scalar(index, None, index.constants[name], depth + 1)
        return self._setting(name)

    def _setting(self, name: str) -> Scalar:
        setting = self.settings.get(name)
        if setting is None:
            variable = variable_of(self.indexes, name)
            setting = self.settings.get(variable) if variable else None
        if setting is None or (
            setting.origin is ValueOrigin.DEFAULT and self._conditional_default(setting.name)
        ):
            return _UNKNOWN
        return _number(setting.value)

    def _conditional_default(self, variable: str) -> bool:
        """Whether a default itself hangs on another setting: `get("A", "1" if mode == "b" else "0")`."""
        for index in self.indexes:
            for line in index.mentions(variable):
                for node in index.statements_on(index.function_at(line), [line]):
                    for part in ast.walk(node):
                        if (
                            isinstance(part, ast.Call)
                            and len(part.args) > 1
                            and isinstance(part.args[1], ast.IfExp)
                        ):
                            first = part.args[0]
                            if isinstance(first, ast.Constant) and first.value == variable:
                                return True
        return False


_UNKNOWN = "\0unknown"


def variable_of(indexes: list[ModuleIndex], attribute: str) -> str | None:
    """Return the environment variable that an attribute or name is set from."""
    for index in indexes:
        for line in index.mentions(attribute):
            for node in index.statements_on(index.function_at(line), [line]):
                if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
                    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                    if any(_last(target) == attribute for target in targets):
                        found = environment(node.value)
                        if found:
                            return found
    return None


def environment(node: ast.AST) -> str | None:
    """Return the variable that `os.environ.get("NAME", ...)` somewhere inside reads."""
    for part in ast.walk(node):
        if isinstance(part, ast.Call) and part.args and isinstance(part.func, (ast.Attribute, ast.Name)):
            called = part.func.attr if isinstance(part.func, ast.Attribute) else part.func.id
            first = part.args[0]
            if (
                called in ("get", "getenv")
                and isinstance(first, ast.Constant)
                and "env" in ast.dump(part.func).lower()
            ):
                return str(first.value)
        if isinstance(part, ast.Subscript) and isinstance(part.slice, ast.Constant):
            owner = part.value
            if isinstance(owner, (ast.Attribute, ast.Name)) and _last(owner) == "environ":
                return str(part.slice.value)
    return None


def environment_default(indexes: list[ModuleIndex], name: str) -> Scalar:
    """Return what the code gives a variable that the environment does not set, None where that differs."""
    found: set[Scalar] = set()
    for index in indexes:
        for line in index.mentions(name):
            for node in index.statements_on(index.function_at(line), [line]):
                for part in ast.walk(node):
                    if isinstance(part, ast.Call) and len(part.args) == 2 and environment(part) == name:
                        given = part.args[1]
                        constant = given.value if isinstance(given, ast.Constant) else None
                        found.add(constant if isinstance(constant, str | int | float) else None)
    return found.pop() if len(found) == 1 else None


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _covers(node: ast.stmt, line: int) -> bool:
    return node.lineno <= line <= (node.end_lineno or node.lineno)


def _leaves(body: list[ast.stmt]) -> bool:
    return bool(body) and isinstance(body[-1], (ast.Return, ast.Raise, ast.Continue, ast.Break))


def _and(left: Known, right: Known) -> Known:
    if left is False or right is False:
        return False
    return None if left is None or right is None else True


def _not(known: Known) -> Known:
    return None if known is None else not known


def _number(value: Scalar) -> Scalar:
    if isinstance(value, str):
        try:
            return float(value) if "." in value or "e" in value.lower() else int(value)
        except ValueError:
            lowered = value.strip().lower()
            return True if lowered == "true" else False if lowered == "false" else value
    return value


def _converted(name: str, value: Scalar) -> Scalar:
    if value is _UNKNOWN or value is None:
        return value
    kinds: dict[str, Callable[[Scalar], Scalar]] = {"bool": bool, "int": int, "float": float, "str": str}  # type: ignore[dict-item]
    try:
        return kinds[name](value)
    except (TypeError, ValueError, OverflowError):
        return _UNKNOWN


def _compare(operation: ast.cmpop, left: Scalar, right: Scalar) -> Known:
    if left is _UNKNOWN or right is _UNKNOWN:
        return None
    left, right = _number(left), _number(right)
    if isinstance(operation, (ast.Eq, ast.Is)):
        return left == right
    if isinstance(operation, (ast.NotEq, ast.IsNot)):
        return left != right
    if not isinstance(left, (int, float)) or not isinstance(right, (int, float)):
        return None
    if isinstance(operation, (ast.Gt, ast.GtE)):
        return left > right if isinstance(operation, ast.Gt) else left >= right
    if isinstance(operation, (ast.Lt, ast.LtE)):
        return left < right if isinstance(operation, ast.Lt) else left <= right
    return None
