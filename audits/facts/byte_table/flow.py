"""Follow byte tables from where they are built to where tokens are looked up in them.

Demand driven: only statements that mention a name known to hold a table are ever walked.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from audits.facts.byte_table.evaluator import Evaluator, follow, follow_block
from audits.facts.byte_table.frames import Frame, Result, entry
from audits.facts.byte_table.index import FunctionInfo, ModuleIndex, expressions
from audits.facts.byte_table.tokenizer import API_NAMES
from audits.facts.byte_table.values import OPAQUE, Value, choose, holds_table, options

SMALL = 60
"""Statements up to which a function is followed whole."""
ROUNDS = 400
"""Bound on the work list."""

LOOP_LINES = 60
"""Lines up to which a loop may be one over the vocabulary."""

Scope = FunctionInfo | None


@dataclass(slots=True)
class Labels:
    """Every name, attribute and function result known to hold tables."""

    names: dict[tuple[int, str], Value] = field(default_factory=dict)
    attributes: dict[str, Value] = field(default_factory=dict)
    returns: dict[int, Value] = field(default_factory=dict)
    touched: dict[int, tuple[ModuleIndex, Scope, dict[int, ast.stmt]]] = field(default_factory=dict)
    """Statements that mention a table, by scope."""


class Shallow(Evaluator):
    """Evaluates one expression; calls of the submission's functions give what is known of their result."""

    def __init__(self, index: ModuleIndex, labels: Labels) -> None:
        super().__init__(index, {})
        self.labels = labels
        self.attributes = labels.attributes
        self.made: dict[str, Value] = {}
        """Fields of records that the expression makes."""

    def _keep(self, given: dict[str, Value]) -> None:
        self.made.update(given)

    def _enter(self, target: Value, node: ast.Call, frame: Frame) -> Value:
        callee = node.func
        name = (
            callee.id
            if isinstance(callee, ast.Name)
            else callee.attr
            if isinstance(callee, ast.Attribute)
            else ""
        )
        info = self.index.function(name)
        for argument in node.args:  # a table may be bound on the way (walrus); nothing else matters here
            if isinstance(argument, ast.NamedExpr):
                self.value(argument, frame)
        return self.labels.returns.get(id(info.node), OPAQUE) if info else OPAQUE


class Flow:
    """One run over all modules."""

    def __init__(self, indexes: list[ModuleIndex]) -> None:
        self.indexes = indexes
        self.labels = Labels()
        self.waiting: list[tuple[str, ModuleIndex, Scope, str]] = []
        self.problems: list[str] = []

    def run(self) -> Labels:
        """Find builders, then follow what they make until nothing new is learned."""
        for index in self.indexes:
            self._builders(index)
        for _ in range(ROUNDS):
            if not self.waiting:
                break
            kind, index, scope, name = self.waiting.pop()
            if kind == "name":
                self._mentions(index, scope, name)
            elif kind == "attribute":
                for other in self.indexes:
                    self._everywhere(other, name)
            else:
                for other in self.indexes:
                    self._everywhere(other, name)
        else:
            self.problems.append("the byte tables flow through more code than the budget covers")
        return self.labels

    # ---- sources ------------------------------------------------------------------------------------

    def _builders(self, index: ModuleIndex) -> None:
        lines = {line for name in API_NAMES for line in index.mentions(name)}
        if index.loads_tables:
            lines |= {number for number, line in enumerate(index.lines, 1) if ".load(" in line}
        if not lines:
            return
        scopes: dict[int, tuple[Scope, list[int]]] = {}
        for line in lines:
            scope = index.function_at(line)
            scopes.setdefault(id(scope), (scope, []))[1].append(line)
        for scope, found in scopes.values():
            self._source(index, scope, found)

    def _source(self, index: ModuleIndex, scope: Scope, lines: list[int], depth: int = 0) -> None:
        if scope is not None and len(scope.statements) <= SMALL:
            result = follow(index, scope)
        else:
            result = self._sliced(index, scope, lines)
        found = self._learn_result(index, scope, result)
        looks_at_pieces = depth or any(name in index.lines[line - 1] for line in lines for name in API_NAMES)
        if not found and scope is not None and depth < 2 and looks_at_pieces:
            for other in self.indexes:
                self._callers(other, scope, depth)

    def _callers(self, index: ModuleIndex, scope: FunctionInfo, depth: int) -> None:
        lines = [line for line in index.mentions(scope.name) if line != scope.node.lineno]
        callers: dict[int, tuple[Scope, list[int]]] = {}
        for line in lines[:20]:
            caller = index.function_at(line)
            if caller is not scope:
                callers.setdefault(id(caller), (caller, []))[1].append(line)
        for caller, found in callers.values():
            self._source(index, caller, found, depth + 1)

    def _sliced(self, index: ModuleIndex, scope: Scope, lines: list[int]) -> Result:
        body = scope.node.body if scope is not None else index.module.tree.body
        joined = Result()
        for block in _blocks(body, sorted(lines)):
            result = follow_block(index, block, {})
            joined.names.update(result.names)
            joined.attributes.update(result.attributes)
        return joined

    def _learn_result(self, index: ModuleIndex, scope: Scope, result: Result) -> bool:
        before = len(self.waiting)
        if scope is not None and holds_table(result.returned):
            self._returned(index, scope, result.returned)
            result.names.clear()  # the builder's own loops are no uses
        for name, value in result.names.items():
            if holds_table(value):
                self._named(index, scope, name, value)
        for name, value in result.attributes.items():
            if holds_table(value):
                self._attribute(index, name, value)
        return len(self.waiting) > before

    # ---- learning -----------------------------------------------------------------------------------

    def _named(self, index: ModuleIndex, scope: Scope, name: str, value: Value) -> None:
        key = (id(scope.node) if scope else id(index), name)
        old = self.labels.names.get(key)
        new = value if old is None else choose([old, value])
        if old is None or _options(new) > _options(old):
            self.labels.names[key] = new
            self.waiting.append(("name", index, scope, name))

    def _attribute(self, index: ModuleIndex, name: str, value: Value) -> None:
        old = self.labels.attributes.get(name)
        new = value if old is None else choose([old, value])
        if old is None or _options(new) > _options(old):
            self.labels.attributes[name] = new
            self.waiting.append(("attribute", index, None, name))

    def _returned(self, index: ModuleIndex, scope: FunctionInfo, value: Value) -> None:
        old = self.labels.returns.get(id(scope.node))
        new = value if old is None else choose([old, value])
        if old is None or _options(new) > _options(old):
            self.labels.returns[id(scope.node)] = new
            called = scope.in_class if scope.name == "__init__" and scope.in_class else scope.name
            self.waiting.append(("function", index, scope, called))

    # ---- following ----------------------------------------------------------------------------------

    def _everywhere(self, index: ModuleIndex, name: str) -> None:
        scopes: dict[int, tuple[Scope, list[int]]] = {}
        for line in index.mentions(name):
            scope = index.function_at(line)
            scopes.setdefault(id(scope), (scope, []))[1].append(line)
        for scope, lines in scopes.values():
            for statement in index.statements_on(scope, lines):
                self._statement(index, scope, statement)

    def _mentions(self, index: ModuleIndex, scope: Scope, name: str) -> None:
        if scope is None:
            self._everywhere(index, name)
            return
        node = scope.node
        lines = index.mentions(name, node.lineno, node.end_lineno or node.lineno)
        inner: dict[int, tuple[Scope, list[int]]] = {}
        for line in lines:
            owner = index.function_at(line)
            inner.setdefault(id(owner), (owner, []))[1].append(line)
        for owner, found in inner.values():
            for statement in index.statements_on(owner, found):
                self._statement(index, owner, statement)

    def frame(self, index: ModuleIndex, scope: Scope) -> Frame:
        """Return the known names of a scope and of those around it."""
        outer: Frame | None = Frame(self._known(id(index)))
        chain: list[FunctionInfo] = []
        at = scope
        while at is not None:
            chain.append(at)
            at = at.parent
        for info in reversed(chain):
            outer = Frame(self._known(id(info.node)), outer)
        return outer or Frame({})

    def _known(self, owner: int) -> dict[str, Value]:
        return {name: value for (key, name), value in self.labels.names.items() if key == owner}

    def _statement(self, index: ModuleIndex, scope: Scope, node: ast.stmt) -> None:
        key = id(scope.node) if scope else id(index)
        self.labels.touched.setdefault(key, (index, scope, {}))[2][id(node)] = node
        frame = self.frame(index, scope)
        run = Shallow(index, self.labels)
        for expression in expressions(node):
            for part in ast.walk(expression):
                if isinstance(part, ast.Call):
                    self._arguments(index, scope, part, run, frame)
        value = getattr(node, "value", None)
        if not isinstance(value, ast.expr):
            return
        if isinstance(node, (ast.Assign, ast.AnnAssign, ast.Return)):
            made = run.value(value, frame)
            for name, part in run.made.items():
                # What the builder itself was followed to comes first: here its loops are not gone through.
                if name not in self.labels.attributes and holds_table(part):
                    self._attribute(index, name, part)
            if not holds_table(made):
                return
            if isinstance(node, ast.Return):
                if scope is not None:
                    self._returned(index, scope, made)
                return
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                self._bind(index, scope, target, made)

    def _bind(self, index: ModuleIndex, scope: Scope, target: ast.expr, value: Value) -> None:
        if not holds_table(value):
            return
        if isinstance(target, ast.Name):
            self._named(index, scope, target.id, value)
        elif isinstance(target, ast.Attribute):
            self._attribute(index, target.attr, value)
        elif isinstance(target, (ast.Tuple, ast.List)):
            for place, element in enumerate(target.elts):
                self._bind(index, scope, element, entry(value, place))

    def _arguments(
        self, index: ModuleIndex, scope: Scope, call: ast.Call, run: Evaluator, frame: Frame
    ) -> None:
        callee, shift, arguments = self._callee(index, call)
        if callee is None:
            return
        owner, info = callee
        parameters = [arg.arg for arg in (*info.node.args.posonlyargs, *info.node.args.args)][shift:]
        self._spread(owner, info, parameters, arguments, run, frame)
        for name, argument in zip(parameters, arguments, strict=False):
            if isinstance(argument, (ast.Name, ast.Attribute, ast.Subscript, ast.Call)):
                value = run.value(argument, frame)
                if holds_table(value):
                    self._named(owner, info, name, value)
        for keyword in call.keywords:
            if keyword.arg and isinstance(keyword.value, (ast.Name, ast.Attribute, ast.Subscript, ast.Call)):
                value = run.value(keyword.value, frame)
                if holds_table(value):
                    self._named(owner, info, keyword.arg, value)

    def _spread(
        self,
        index: ModuleIndex,
        info: FunctionInfo,
        parameters: list[str],
        arguments: list[ast.expr],
        run: Evaluator,
        frame: Frame,
    ) -> None:
        """Bind `*tables`: its elements go to the parameters from there on."""
        for place, argument in enumerate(arguments):
            if isinstance(argument, ast.Starred):
                for option in options(run.value(argument.value, frame)):
                    if isinstance(option, (tuple, list)):
                        for name, value in zip(parameters[place:], option, strict=False):
                            if holds_table(value):
                                self._named(index, info, name, value)
                return

    def _callee(
        self, index: ModuleIndex, call: ast.Call
    ) -> tuple[tuple[ModuleIndex, FunctionInfo] | None, int, list[ast.expr]]:
        found = self._resolve(index, call.func)
        if found is not None:
            return found, self._shift(found), call.args
        for place, argument in enumerate(
            call.args
        ):  # timed("label", evaluate, *its arguments); partial(f, ...)
            if isinstance(argument, ast.Name):
                found = self._resolve(index, argument)
                if found is not None:
                    return found, self._shift(found), call.args[place + 1 :]
        return None, 0, []

    @staticmethod
    def _shift(found: tuple[ModuleIndex, FunctionInfo]) -> int:
        return 1 if found[0].is_method(found[1]) else 0

    def _resolve(self, index: ModuleIndex, callee: ast.expr) -> tuple[ModuleIndex, FunctionInfo] | None:
        name = (
            callee.id
            if isinstance(callee, ast.Name)
            else callee.attr
            if isinstance(callee, ast.Attribute)
            else None
        )
        if name is None:
            return None
        for candidate in (index, *[other for other in self.indexes if other is not index]):
            info = candidate.function(name) or candidate.constructor(name)
            if info is not None:
                return candidate, info
        return None


def _options(value: Value) -> int:
    return len(options(value))


def _blocks(body: list[ast.stmt], lines: list[int]) -> list[list[ast.stmt]]:
    """Cut the statements that build tables out of a long body, with the assignments they need."""
    found: list[list[ast.stmt]] = []
    for place, node in enumerate(body):
        inside = [line for line in lines if node.lineno <= line <= (node.end_lineno or node.lineno)]
        if not inside or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        parts = [getattr(node, name, None) for name in ("body", "orelse", "finalbody")]
        nested = [part for part in parts if isinstance(part, list) and part]
        if nested and (isinstance(node, (ast.If, ast.With, ast.Try)) or _long(node)):
            inner = [block for part in nested for block in _blocks(part, inside)]
            found.extend(_needed(body[:place], block) for block in inner)
        else:
            found.append(_needed(body[:place], [node]))
    return found


def _long(node: ast.stmt) -> bool:
    """A loop over many lines is a program of its own, not one over the vocabulary."""
    return (node.end_lineno or node.lineno) - node.lineno > LOOP_LINES


def _needed(before: list[ast.stmt], block: list[ast.stmt]) -> list[ast.stmt]:
    names = {part.id for node in block for part in ast.walk(node) if isinstance(part, ast.Name)}
    kept: list[ast.stmt] = []
    for node in reversed(before):
        targets = (
            node.targets
            if isinstance(node, ast.Assign)
            else [node.target]
            if isinstance(node, ast.AnnAssign)
            else []
        )
        bound = {part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)}
        if bound & names:
            kept.append(node)
            names |= {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
    return [*reversed(kept), *block]
