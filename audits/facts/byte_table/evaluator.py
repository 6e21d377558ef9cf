"""A small evaluator that follows a builder of byte tables over the made-up vocabulary.

It interprets syntax under a whitelist of pure operations and a step budget; nothing of a submission runs.
Whatever it does not know becomes OPAQUE, and a condition on OPAQUE is taken both ways, one run each.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from audits.facts.byte_table import operations as op
from audits.facts.byte_table.tokenizer import answer, answers
from audits.facts.byte_table.values import (
    OPAQUE,
    Choice,
    Opaque,
    SideFile,
    Table,
    Value,
    as_table,
    choose,
    options,
)
from audits.facts.byte_table.vocabulary import SIZE

if TYPE_CHECKING:
    from audits.facts.byte_table.index import FunctionInfo, ModuleIndex

STEPS = 10_000
"""Steps of one run; a canonical builder takes about 1,000."""
TOTAL = 40_000
"""Steps of all runs on one module."""
RUNS = 6
DEPTH = 6


class Stop(Exception):
    """The run cannot go on: budget spent, or the code raised."""


class _Return(Exception):
    def __init__(self, value: Value) -> None:
        self.value = value


class _Break(Exception):
    pass


class _Continue(Exception):
    pass


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


class Evaluator:
    """One evaluation: a module, a step budget, and the way it takes at each unknown condition."""

    def __init__(self, index: ModuleIndex, decisions: dict[int, bool]) -> None:
        self.index = index
        self.decisions = decisions
        self.pending: list[int] = []
        self.steps = 0
        self.attributes: dict[str, Value] = {}
        self.globals: dict[str, Value] = {}

    # ---- entry points -------------------------------------------------------------------------------

    def call(self, info: FunctionInfo, given: dict[str, Value] | None = None) -> tuple[Value, Frame]:
        """Follow one function with every argument unknown except the given ones."""
        frame = Frame({})
        for arg in _parameters(info.node.args):
            frame.names[arg.arg] = (given or {}).get(arg.arg, OPAQUE)
        try:
            self.block(info.node.body, frame)
        except _Return as result:
            return result.value, frame
        except (Stop, _Break, _Continue):
            pass
        return OPAQUE, frame

    def block(self, body: list[ast.stmt], frame: Frame) -> None:
        """Follow statements in order."""
        for statement in body:
            self._statement(statement, frame)

    # ---- statements ---------------------------------------------------------------------------------

    def _statement(self, node: ast.stmt, frame: Frame) -> None:
        self.steps += 1
        if self.steps > STEPS:
            raise Stop
        handler = getattr(self, "_do_" + type(node).__name__, None)
        if handler is not None:
            handler(node, frame)

    def _do_Expr(self, node: ast.Expr, frame: Frame) -> None:
        self.value(node.value, frame)

    def _do_Return(self, node: ast.Return, frame: Frame) -> None:
        raise _Return(self.value(node.value, frame) if node.value else None)

    def _do_Assign(self, node: ast.Assign, frame: Frame) -> None:
        value = self.value(node.value, frame)
        for target in node.targets:
            self.assign(target, value, frame)

    def _do_AnnAssign(self, node: ast.AnnAssign, frame: Frame) -> None:
        if node.value is not None:
            self.assign(node.target, self.value(node.value, frame), frame)

    def _do_AugAssign(self, node: ast.AugAssign, frame: Frame) -> None:
        function = op.BINARY.get(type(node.op))
        value = (
            op.apply(function, self.value(node.target, frame), self.value(node.value, frame))
            if function
            else OPAQUE
        )
        self.assign(node.target, value, frame)

    def _do_If(self, node: ast.If, frame: Frame) -> None:
        test = self.truth(node.test, frame, node)
        self.block(node.body if test else node.orelse, frame)

    def _do_For(self, node: ast.For, frame: Frame) -> None:
        self._loop(node.target, self._iterated(node.iter, node.body, frame), node.body, frame)
        self.block(node.orelse, frame)

    def _iterated(self, iterable: ast.expr, body: list[ast.stmt] | None, frame: Frame) -> list[Value]:
        value = self.value(iterable, frame)
        known = op.listed(value)
        if known is not None:
            return known
        return _tokens(iterable)  # an unknown stream of token ids: one of each kind

    def _loop(self, target: ast.expr, values: list[Value], body: list[ast.stmt], frame: Frame) -> None:
        for value in values:
            self.assign(target, value, frame)
            try:
                self.block(body, frame)
            except _Break:
                break
            except _Continue:
                continue

    def _do_While(self, node: ast.While, frame: Frame) -> None:
        for _ in range(4 * SIZE):
            test = self.value(node.test, frame)
            if isinstance(test, Opaque) or not _true(test):
                break
            try:
                self.block(node.body, frame)
            except _Break:
                break
            except _Continue:
                continue

    def _do_With(self, node: ast.With, frame: Frame) -> None:
        for item in node.items:
            value = self.value(item.context_expr, frame)
            if item.optional_vars is not None:
                self.assign(item.optional_vars, value, frame)
        self.block(node.body, frame)

    def _do_Try(self, node: ast.Try, frame: Frame) -> None:
        try:
            self.block(node.body, frame)
            self.block(node.orelse, frame)
        except Stop:
            if self.steps > STEPS or not node.handlers:
                raise
            self.block(node.handlers[0].body, frame)
        self.block(node.finalbody, frame)

    def _do_Raise(self, node: ast.Raise, frame: Frame) -> None:
        raise Stop

    def _do_Break(self, node: ast.Break, frame: Frame) -> None:
        raise _Break

    def _do_Continue(self, node: ast.Continue, frame: Frame) -> None:
        raise _Continue

    def _do_FunctionDef(self, node: ast.FunctionDef, frame: Frame) -> None:
        frame.names[node.name] = Closure(node.args, node.body, frame)

    def assign(self, target: ast.expr, value: Value, frame: Frame) -> None:
        """Bind a value to a name, attribute, entry or pattern."""
        if isinstance(target, ast.Name):
            frame.names[target.id] = value
        elif isinstance(target, ast.Attribute):
            self.attributes[target.attr] = value
        elif isinstance(target, ast.Starred):
            self.assign(target.value, OPAQUE, frame)
        elif isinstance(target, (ast.Tuple, ast.List)):
            parts = value if isinstance(value, (tuple, list)) and len(value) == len(target.elts) else None
            for place, element in enumerate(target.elts):
                part = parts[place] if parts is not None else entry(value, place)
                self.assign(element, part, frame)
        elif isinstance(target, ast.Subscript):
            self._store(self.value(target.value, frame), target.slice, value, frame)

    def _store(self, owner: Value, where: ast.expr, value: Value, frame: Frame) -> None:
        place = self.value(where, frame)
        if isinstance(owner, Table):
            _fill(owner, place, value)
        elif (
            isinstance(owner, list)
            and isinstance(place, int)
            and -len(owner) <= place < len(owner)
            or isinstance(owner, dict)
            and isinstance(place, (str, int))
            and len(owner) < op.LONGEST
        ):
            owner[place] = value

    # ---- expressions --------------------------------------------------------------------------------

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
            return _true(value)
        if _only_raises(owner):
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
        if expression is not None:
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
            elif _true(value) == stop:
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
            known = [part if isinstance(part, int) or part is None else OPAQUE for part in bounds]
            if (
                isinstance(owner, list)
                and len(owner) == SIZE
                and isinstance(known[1], Opaque)
                and known[0] in (None, 0)
            ):
                return owner
            if not op.unknown(*known) and known[2] != 0:
                return owner[slice(*known)]
        return OPAQUE

    # ---- comprehensions and calls -------------------------------------------------------------------

    def _comprehend(self, node: ast.ListComp | ast.GeneratorExp | ast.SetComp, frame: Frame) -> list[Value]:
        found: list[Value] = []
        self._generate(
            node.generators,
            0,
            Frame({}, frame, frame.depth),
            lambda inner: found.append(self.value(node.elt, inner)),
        )
        return found

    def _generate(self, parts: list[ast.comprehension], place: int, frame: Frame, emit) -> None:  # type: ignore[no-untyped-def]
        if place == len(parts):
            emit(frame)
            return
        part = parts[place]
        for value in self._iterated(part.iter, None, frame):
            self.assign(part.target, value, frame)
            if all(_true(self.value(test, frame)) for test in part.ifs):
                self._generate(parts, place + 1, frame, emit)

    def _eval_ListComp(self, node: ast.ListComp, frame: Frame) -> Value:
        found = self._comprehend(node, frame)
        table = as_table(found)
        if table is None:
            return found
        table.line = node.lineno
        return self._origin(table)

    _eval_GeneratorExp = _eval_ListComp

    def _eval_SetComp(self, node: ast.SetComp, frame: Frame) -> Value:
        values = self._comprehend(node, frame)
        return set(values) if all(isinstance(value, (int, str, bytes)) for value in values) else OPAQUE

    def _eval_DictComp(self, node: ast.DictComp, frame: Frame) -> Value:
        found: dict[Value, Value] = {}

        def emit(inner: Frame) -> None:
            key = self.value(node.key, inner)
            if isinstance(key, (str, int)):
                found[key] = self.value(node.value, inner)

        self._generate(node.generators, 0, Frame({}, frame, frame.depth), emit)
        return found

    def _eval_Call(self, node: ast.Call, frame: Frame) -> Value:
        callee = node.func
        if isinstance(callee, ast.Attribute):
            return self._method(node, callee, frame)
        if isinstance(callee, ast.Name):
            target = self._eval_Name(callee, frame)
            if isinstance(target, Closure):
                return self._enter(target, node, frame)
            info = self.index.function(callee.id)
            if info is not None:
                return self._enter(Closure(info.node.args, info.node.body, None), node, frame)
            return self._library(callee.id, node, frame)
        target = self.value(callee, frame)
        return self._enter(target, node, frame) if isinstance(target, Closure) else OPAQUE

    def _method(self, node: ast.Call, callee: ast.Attribute, frame: Frame) -> Value:
        name = callee.attr
        owner = self.value(callee.value, frame)
        if isinstance(owner, Opaque):
            if answers(name):
                return answer(name, self._elements(node.args, frame))
            if self.index.reads_file(callee):
                return SideFile(node.lineno, self.index.origin)
            info = self.index.function(name)
            if info is not None and not (info.parent is not None and info.in_class is None):
                method = self.index.is_method(info)
                return self._enter(Closure(info.node.args, info.node.body, None, method), node, frame)
            return self._library(name, node, frame)
        if isinstance(owner, SideFile):
            keys = self._elements(node.args, frame)
            return (
                self._origin(owner.entry(keys[0] if keys and isinstance(keys[0], str) else ""))
                if name == "get"
                else OPAQUE
            )
        args = self._elements(node.args, frame)
        keywords = {part.arg: self.value(part.value, frame) for part in node.keywords if part.arg}
        return choose([op.call_method(option, name, args, keywords) for option in options(owner)])

    def _library(self, name: str, node: ast.Call, frame: Frame) -> Value:
        if name == "hasattr" and len(node.args) == 2 and isinstance(node.args[1], ast.Constant):
            return True if answers(str(node.args[1].value)) else OPAQUE
        if name == "map" and len(node.args) == 2:
            return self._mapped(node, frame)
        if name == "array" and len(node.args) == 2:  # array.array("H", values)
            node = ast.Call(node.func, node.args[1:], node.keywords)
        args = self._elements(node.args, frame)
        keywords = {part.arg: self.value(part.value, frame) for part in node.keywords if part.arg}
        if name in op.FILLS or name in ("full", "full_like"):
            if not args and "shape" in keywords:
                args = [keywords["shape"]]
            return self._origin(op.filled(name, args, node.lineno))
        if name == "where" and len(args) == 3:
            return op.apply(lambda test, left, right: left if test else right, *args)
        if name in ("logical_and", "bitwise_and", "logical_or", "bitwise_or") and len(args) == 2:
            return op.apply(op.BINARY[ast.BitAnd if name.endswith("and") else ast.BitOr], *args)
        if name in ("logical_not", "bitwise_not", "invert") and args:
            return op.invert(args[0])
        if name in op.BUILTINS:
            return op.builtin(name, args, keywords)
        if name in op.WRAPPERS or any(isinstance(arg, (Table, Choice)) for arg in args[:1]):
            ways = [[option, *args[1:]] for option in options(args[0])] if args else [args]
            return choose([self._origin(op.wrapped(way, node.lineno)) for way in ways])
        return OPAQUE

    def _mapped(self, node: ast.Call, frame: Frame) -> Value:
        values = op.listed(self.value(node.args[1], frame))
        if values is None:
            values = _tokens(node.args[1])
        found = []
        for value in values:
            inner = Frame({"item": value}, frame, frame.depth)
            call = ast.Call(node.args[0], [ast.Name("item", ast.Load())], [])
            found.append(self._eval_Call(ast.copy_location(call, node), inner))
        return found

    def _origin(self, value: Value) -> Value:
        if isinstance(value, Table) and not value.origin[0]:
            value.origin = self.index.origin
        return value

    def _enter(self, target: Closure, node: ast.Call, frame: Frame) -> Value:
        if frame.depth >= DEPTH:
            return OPAQUE
        inner = Frame({}, target.outer, frame.depth + 1)
        self._bind(target, node, frame, inner)
        if isinstance(target.body, ast.expr):
            return self.value(target.body, inner)
        try:
            self.block(target.body, inner)
        except _Return as result:
            return result.value
        except (_Break, _Continue):
            pass
        return None

    def _bind(self, target: Closure, node: ast.Call, frame: Frame, inner: Frame) -> None:
        parameters = [*target.args.posonlyargs, *target.args.args]
        names = [arg.arg for arg in parameters][1 if target.skip_self else 0 :]
        for arg in _parameters(target.args):
            inner.names[arg.arg] = OPAQUE
        for parameter, default in zip(reversed(parameters), reversed(target.args.defaults), strict=False):
            inner.names[parameter.arg] = self.value(default, inner)
        for parameter, given in zip(target.args.kwonlyargs, target.args.kw_defaults, strict=False):
            if given is not None:
                inner.names[parameter.arg] = self.value(given, inner)
        values = self._elements(node.args, frame)
        for name, value in zip(names, values, strict=False):
            inner.names[name] = value
        for keyword in node.keywords:
            if keyword.arg:
                inner.names[keyword.arg] = self.value(keyword.value, frame)


def follow(index: ModuleIndex, info: FunctionInfo, given: dict[str, Value] | None = None) -> Result:
    """Follow a function along every way through its unknown conditions, at most RUNS of them."""
    return _explore(lambda run: run.call(info, given), index)


def follow_block(index: ModuleIndex, body: list[ast.stmt], given: dict[str, Value]) -> Result:
    """Follow loose statements with some names known."""

    def start(run: Evaluator) -> tuple[Value, Frame]:
        frame = Frame(dict(given))
        try:
            run.block(body, frame)
        except _Return as result:
            return result.value, frame
        except (Stop, _Break, _Continue):
            pass
        return OPAQUE, frame

    return _explore(start, index)


def _explore(start, index: ModuleIndex) -> Result:  # type: ignore[no-untyped-def]
    waiting: list[dict[int, bool]] = [{}]
    results: list[Result] = []
    while waiting and len(results) < RUNS and (not results or index.spent < TOTAL):
        run = Evaluator(index, waiting.pop(0))
        try:
            returned, frame = start(run)
        except (Stop, RecursionError):
            returned, frame = OPAQUE, Frame({})
        index.spent += run.steps
        results.append(Result(returned, frame.names, run.attributes))
        for key in run.pending:
            waiting.append({**run.decisions, key: False})
    joined = Result(choose([result.returned for result in results]))
    for part in ("names", "attributes"):
        keys = {key for result in results for key in getattr(result, part)}
        for key in keys:
            getattr(joined, part)[key] = choose(
                [r_part[key] for r in results if key in (r_part := getattr(r, part))]
            )
    return joined


def _parameters(args: ast.arguments) -> list[ast.arg]:
    extra = [arg for arg in (args.vararg, args.kwarg) if arg is not None]
    return [*args.posonlyargs, *args.args, *args.kwonlyargs, *extra]


def _only_raises(owner: ast.AST) -> bool:
    """A guard that does nothing but stop the program is taken as passed."""
    return isinstance(owner, ast.If) and len(owner.body) == 1 and isinstance(owner.body[0], ast.Raise)


def _true(value: Value) -> bool:
    try:
        return bool(value)
    except Exception:
        return False


def entry(value: Value, place: int) -> Value:
    """Return one element of a tuple, in every possible value."""
    if isinstance(value, Choice):
        return choose([entry(option, place) for option in value.options])
    return value[place] if isinstance(value, (tuple, list)) and place < len(value) else OPAQUE


def _tokens(iterable: ast.expr) -> list[Value]:
    shape: list[Value] = list(range(SIZE))
    if (
        isinstance(iterable, ast.Call)
        and isinstance(iterable.func, ast.Name)
        and iterable.func.id == "enumerate"
    ):
        return list(enumerate(shape))
    return shape


def _fill(table: Table, place: Value, value: Value) -> None:
    if isinstance(place, int) and not isinstance(place, bool):
        if -SIZE <= place < SIZE:
            table.cells[place] = value
        return
    if isinstance(place, (list, tuple, range, Table)):
        marks = place.cells if isinstance(place, Table) else list(place)
        _fill_many(table, marks, value)
        return
    source = as_table(value)
    if source is not None:  # a[:n] = b
        table.cells[:] = source.cells
        if source.side:
            table.side, table.key, table.line = True, source.key, source.line


def _fill_many(table: Table, marks: list[Value], value: Value) -> None:
    if len(marks) == SIZE and all(isinstance(mark, bool) for mark in marks):
        chosen = [place for place, mark in enumerate(marks) if mark]
    else:
        chosen = [mark for mark in marks if isinstance(mark, int) and -SIZE <= mark < SIZE]
    source = op.listed(value) if not isinstance(value, (str, bytes)) else None
    for order, place in enumerate(chosen):
        table.cells[place] = source[order] if source is not None and order < len(source) else value
