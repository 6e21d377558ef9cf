"""Switches that a net keeps. Its constructor and most methods are not entered, but these are read off."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from audits.facts.code.expressions import evaluate
from audits.facts.code.machine import Machine
from audits.facts.code.memory import Frame
from audits.facts.code.values import Class, Function, Instance, Module, Net, Value

_PLAIN: dict[str, Callable[[Any], Any]] = {"bool": bool, "int": int, "float": float}
_LOOKS = (
    ast.Constant,
    ast.Attribute,
    ast.Compare,
    ast.BoolOp,
    ast.UnaryOp,
    ast.IfExp,
    ast.expr_context,
    ast.boolop,
    ast.unaryop,
    ast.cmpop,
)
"""What only looks at parameters."""
_WRITTEN = re.compile(r"\.(\w+) *(?::[^=\n]*)?=(?!=)")


def kept_switch(machine: Machine, env: dict[str, Value], node: ast.expr) -> Value | None:
    """Return the plain value that a constructor makes of a parameter: `bool(x)`, `options.x` (#2004)."""
    if isinstance(node, ast.Call):
        of = node.args[0] if len(node.args) == 1 and not node.keywords else None
        if of is None or not isinstance(node.func, ast.Name) or node.func.id not in _PLAIN:
            return None
        given = env.get(of.id) if isinstance(of, ast.Name) else kept_switch(machine, env, of)
        if given is None or given.obj is not None:
            return None
        if isinstance(given.const, bool | int | float):
            return Value(given.labels, None, _PLAIN[node.func.id](given.const))
        return Value(given.labels) if given.labels & machine.labels.knobs else None
    if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
        return None
    options = env.get(node.value.id)
    if options is None or not isinstance(options.obj, Instance):
        return None
    kept: Value | None = machine.heap.get((id(options.obj), node.attr))
    if kept is None and options.obj.cls is not None:
        kept = options.obj.cls.find(node.attr)
    plain = kept is not None and kept.obj is None and isinstance(kept.const, bool | int | float)
    return kept if plain else None


def plain_value(machine: Machine, frame: Frame, node: ast.expr) -> Value | None:
    """Return the constant that an expression over parameters gives: `not enabled`, `config.rank > 0`."""
    if isinstance(node, ast.Constant) or not _is_plain(node, frame.env):
        return None
    value = evaluate(machine, frame, node)
    return value if value.obj is None and isinstance(value.const, bool | int | float) else None


def _is_plain(node: ast.expr, env: dict[str, Value]) -> bool:
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            if part.id not in env and part.id not in _PLAIN:
                return False
        elif isinstance(part, ast.Call):
            if not isinstance(part.func, ast.Name) or part.func.id not in _PLAIN or part.keywords:
                return False
        elif not isinstance(part, _LOOKS):
            return False
    return True


def written_once(machine: Machine, module: Module, name: str) -> bool:
    """Return whether the constructor alone writes an attribute: methods of a net may go unread."""
    return _written(module.layer.source)[name] == 1


@lru_cache(maxsize=8)
def _written(source: str) -> Counter[str]:
    """Return how often a source writes an attribute of each name."""
    return Counter(_WRITTEN.findall(source))


def plain_answer(machine: Machine, function: Function) -> Value | None:
    """Return what a net's own method says of its switches, where it says yes or no (#2004)."""
    body, taken = function.node.body, function.node.args.args
    last = body[-1] if isinstance(body, list) else None
    if not isinstance(last, ast.Return) or len(taken) != 1 or function.bound is None:
        return None
    if len(function.node.body) > 2 or not isinstance(  # type: ignore[arg-type]
        last.value, ast.Attribute | ast.BoolOp | ast.UnaryOp | ast.Compare
    ):
        return None
    inner = Frame(function.module, {taken[0].arg: function.bound}, function.scopes, function.name)
    answer = evaluate(machine, inner, last.value)
    return answer if answer.obj is None and isinstance(answer.const, bool) else None


def may_lack(machine: Machine, net: Net, name: str) -> bool:
    """Return whether nothing gives a net this attribute so far: `getattr` gives its default (#1358)."""
    if net.cls is None or (id(net), name) in machine.heap:
        return False
    return not _speaks_of(net.cls, name, 0)


def _speaks_of(cls: Class, name: str, depth: int) -> bool:
    if cls.find(name) is not None or depth > 8:
        return True
    lines = cls.module.lines[cls.node.lineno - 1 : cls.node.end_lineno]
    if any(name in line for line in lines):
        return True
    return any(isinstance(base.obj, Class) and _speaks_of(base.obj, name, depth + 1) for base in cls.bases)
