"""Evaluate comprehensions and calls: the submission's own functions are entered, the tokenizer answers."""

from __future__ import annotations

import ast
from collections.abc import Callable

from audits.facts.byte_table import operations as op
from audits.facts.byte_table.expressions import Expressions
from audits.facts.byte_table.frames import (
    DEPTH,
    Break,
    Closure,
    Continue,
    Frame,
    Return,
    parameters,
    token_stream,
    truthy,
)
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


class Calls(Expressions):
    """Values of comprehensions and calls."""

    def block(self, body: list[ast.stmt], frame: Frame) -> None:
        """Follow statements in order."""
        raise NotImplementedError

    def _iterated(self, iterable: ast.expr, frame: Frame) -> list[Value]:
        value = self.value(iterable, frame)
        known = op.listed(value)
        if known is not None:
            return known
        return token_stream(iterable)  # an unknown stream of token ids: one of each kind

    def _comprehend(self, node: ast.ListComp | ast.GeneratorExp | ast.SetComp, frame: Frame) -> list[Value]:
        found: list[Value] = []
        self._generate(
            node.generators,
            0,
            Frame({}, frame, frame.depth),
            lambda inner: found.append(self.value(node.elt, inner)),
        )
        return found

    def _generate(
        self, parts: list[ast.comprehension], place: int, frame: Frame, emit: Callable[[Frame], None]
    ) -> None:
        if place == len(parts):
            emit(frame)
            return
        part = parts[place]
        for value in self._iterated(part.iter, frame):
            self.assign(part.target, value, frame)
            if all(truthy(self.value(test, frame)) for test in part.ifs):
                self._generate(parts, place + 1, frame, emit)

    def _eval_ListComp(self, node: ast.ListComp | ast.GeneratorExp, frame: Frame) -> Value:
        found = self._comprehend(node, frame)
        table = as_table(found)
        if table is None:
            return found
        table.line = node.lineno
        return self._origin(table)

    def _eval_GeneratorExp(self, node: ast.GeneratorExp, frame: Frame) -> Value:
        return self._eval_ListComp(node, frame)

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
            if (
                info is not None
                and info.in_class is None
                and (info.parent is None or callee.id not in op.BUILTINS)
            ):
                return self._enter(Closure(info.node.args, info.node.body, None), node, frame)
            fields = self.index.fields(callee.id)
            if fields:
                return self._record(fields, node, frame)
            return self._library(self.index.alias(callee.id), node, frame)
        target = self.value(callee, frame)
        return self._enter(target, node, frame) if isinstance(target, Closure) else OPAQUE

    def _record(self, fields: list[str], node: ast.Call, frame: Frame) -> Value:
        """Make a record: its fields are known wherever their names are read."""
        given = dict(zip(fields, self._elements(node.args, frame), strict=False))
        given |= {part.arg: self.value(part.value, frame) for part in node.keywords if part.arg in fields}
        self._keep(given)
        return tuple(given.get(name, OPAQUE) for name in fields)

    def _keep(self, given: dict[str, Value]) -> None:
        self.attributes.update(given)

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
            values = token_stream(node.args[1])
        found = []
        for value in values:
            inner = Frame({"item": value}, frame, frame.depth)
            call = ast.Call(node.args[0], [ast.Name("item", ast.Load())], [])
            found.append(self._eval_Call(ast.copy_location(call, node), inner))
        return found

    def _enter(self, target: Closure, node: ast.Call, frame: Frame) -> Value:
        if frame.depth >= DEPTH:
            return OPAQUE
        inner = Frame({}, target.outer, frame.depth + 1)
        self._bind(target, node, frame, inner)
        if isinstance(target.body, ast.expr):
            return self.value(target.body, inner)
        try:
            self.block(target.body, inner)
        except Return as result:
            return result.value
        except (Break, Continue):
            pass
        return None

    def _bind(self, target: Closure, node: ast.Call, frame: Frame, inner: Frame) -> None:
        positional = [*target.args.posonlyargs, *target.args.args]
        names = [arg.arg for arg in positional][1 if target.skip_self else 0 :]
        for arg in parameters(target.args):
            inner.names[arg.arg] = OPAQUE
        for parameter, default in zip(reversed(positional), reversed(target.args.defaults), strict=False):
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
