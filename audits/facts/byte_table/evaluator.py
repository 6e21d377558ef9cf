"""A small evaluator that follows a builder of byte tables over the made-up vocabulary.

It interprets syntax under a whitelist of pure operations and a step budget; nothing of a submission runs.
Whatever it does not know becomes OPAQUE, and a condition on OPAQUE is taken both ways, one run each.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING

from audits.facts.byte_table import operations as op
from audits.facts.byte_table.calls import Calls
from audits.facts.byte_table.frames import (
    STEPS,
    Break,
    Closure,
    Continue,
    Frame,
    Result,
    Return,
    Stop,
    entry,
    parameters,
    truthy,
)
from audits.facts.byte_table.values import OPAQUE, Opaque, Table, Value, choose
from audits.facts.byte_table.vocabulary import SIZE

if TYPE_CHECKING:
    from audits.facts.byte_table.index import FunctionInfo, ModuleIndex

TOTAL = 40_000
"""Steps of all runs on one module."""
RUNS = 6
"""Ways through unknown conditions that are tried."""


class Evaluator(Calls):
    """Statements of one run."""

    def call(self, info: FunctionInfo, given: dict[str, Value] | None = None) -> tuple[Value, Frame]:
        """Follow one function with every argument unknown except the given ones."""
        frame = Frame({})
        for arg in parameters(info.node.args):
            frame.names[arg.arg] = (given or {}).get(arg.arg, OPAQUE)
        try:
            self.block(info.node.body, frame)
        except Return as result:
            return result.value, frame
        except (Stop, Break, Continue):
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
        raise Return(self.value(node.value, frame) if node.value else None)

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
        self._loop(node.target, self._iterated(node.iter, frame), node.body, frame)
        self.block(node.orelse, frame)

    def _loop(self, target: ast.expr, values: list[Value], body: list[ast.stmt], frame: Frame) -> None:
        for value in values:
            self.assign(target, value, frame)
            try:
                self.block(body, frame)
            except Break:
                break
            except Continue:
                continue

    def _do_While(self, node: ast.While, frame: Frame) -> None:
        for _ in range(4 * SIZE):
            test = self.value(node.test, frame)
            if isinstance(test, Opaque) or not truthy(test):
                break
            try:
                self.block(node.body, frame)
            except Break:
                break
            except Continue:
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
        raise Break

    def _do_Continue(self, node: ast.Continue, frame: Frame) -> None:
        raise Continue

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
            op.fill(owner, place, value)
        elif isinstance(owner, list):
            if isinstance(place, int) and -len(owner) <= place < len(owner):
                owner[place] = value
        elif isinstance(owner, dict) and isinstance(place, (str, int)) and len(owner) < op.LONGEST:
            owner[place] = value


def follow(index: ModuleIndex, info: FunctionInfo, given: dict[str, Value] | None = None) -> Result:
    """Follow a function along every way through its unknown conditions, at most RUNS of them."""
    return _explore(lambda run: run.call(info, given), index)


def follow_block(index: ModuleIndex, body: list[ast.stmt], given: dict[str, Value]) -> Result:
    """Follow loose statements with some names known."""

    def start(run: Evaluator) -> tuple[Value, Frame]:
        frame = Frame(dict(given))
        try:
            run.block(body, frame)
        except Return as result:
            return result.value, frame
        except (Stop, Break, Continue):
            pass
        return OPAQUE, frame

    return _explore(start, index)


def _explore(start: Callable[[Evaluator], tuple[Value, Frame]], index: ModuleIndex) -> Result:
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
