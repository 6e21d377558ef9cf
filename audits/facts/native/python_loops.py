"""Find the position loops of a Python module that store something at their own position, cheaply.

Decided on statements and text: only the few loops that qualify are read into the common shapes.
"""

from __future__ import annotations

import ast
import re
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, NamedTuple

from audits.facts.native.ir import Function
from audits.facts.native.python_reader import read_function, read_loop

if TYPE_CHECKING:
    from audits.facts.code.modules import ParsedModule

LOOP_LINES = 150
HELPER_LINES = 30
Definition = ast.FunctionDef | ast.AsyncFunctionDef
_STORE = re.compile(r"\[\s*(\w+)\s*\]\s*=(?!=)")
_CALLED = re.compile(r"\b([A-Za-z_]\w*)\(")
_BLOCKS = ("body", "orelse", "finalbody")


class PositionLoop(NamedTuple):
    """One loop and the function that it stands in."""

    owner: Definition
    node: ast.For
    counter: str


class _Text:
    """Source of a module by line."""

    def __init__(self, source: str) -> None:
        self.lines = source.split("\n")
        starts, total = [], 0
        for line in self.lines:
            starts.append(total)
            total += len(line) + 1
        found = [(bisect_right(starts, m.start()), m.group(1)) for m in _STORE.finditer(source)]
        self.store_lines = [line for line, _ in found]
        self.store_names = [name for _, name in found]

    def stores(self, node: ast.stmt, names: set[str]) -> bool:
        """Whether something is stored under one of the names within a statement."""
        at = bisect_left(self.store_lines, node.lineno)
        last = node.end_lineno or node.lineno
        while at < len(self.store_lines) and self.store_lines[at] <= last:
            if self.store_names[at] in names:
                return True
            at += 1
        return False

    def of(self, node: ast.stmt) -> str:
        """Return the lines of a statement after its first."""
        return "\n".join(self.lines[node.lineno : node.end_lineno])


def storing_functions(module: ParsedModule) -> tuple[list[tuple[Definition, Function]], list[Function]]:
    """Return functions reduced to their qualifying loops, and the helpers that those loops call."""
    text = _Text(module.layer.source)
    if not text.store_lines:
        return [], []
    functions, loops = _survey(module.tree)
    helpers = {
        node.name: node
        for node in functions
        if _length(node) <= HELPER_LINES and text.stores(node, {arg.arg for arg in node.args.args})
    }
    wanted = [
        loop for loop in loops if text.stores(loop.node, {loop.counter}) or _through(loop, helpers, text)
    ]
    by_owner: dict[int, tuple[Definition, Function]] = {}
    for loop in wanted:
        entry = by_owner.setdefault(id(loop.owner), (loop.owner, _empty(loop.owner)))
        entry[1].body.append(read_loop(loop.node))
    called = set(_CALLED.findall("\n".join(text.of(loop.node) for loop in wanted)))
    small = [node for node in functions if node.name in called and _length(node) <= HELPER_LINES]
    return list(by_owner.values()), [read_function(node, _is_method(node)) for node in small]


def _survey(tree: ast.Module) -> tuple[list[Definition], list[PositionLoop]]:
    functions: list[Definition] = []
    loops: list[PositionLoop] = []
    stack: list[tuple[ast.stmt, Definition | None]] = [(node, None) for node in reversed(tree.body)]
    while stack:
        node, owner = stack.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            functions.append(node)
            owner = node
        elif isinstance(node, ast.For) and owner is not None:
            counter = _counter(node)
            if counter and _length(node) <= LOOP_LINES:
                loops.append(PositionLoop(owner, node, counter))
        for block in _BLOCKS:
            inner = getattr(node, block, None)
            if inner:
                stack.extend((part, owner) for part in inner)
    return functions, loops


def _counter(node: ast.For) -> str:
    """Return the variable that counts positions: of `range`, or the first of `enumerate`."""
    called = node.iter.func if isinstance(node.iter, ast.Call) else None
    if not isinstance(called, ast.Name):
        return ""
    target: ast.expr = node.target
    if called.id == "enumerate" and isinstance(target, ast.Tuple) and target.elts:
        target = target.elts[0]
    elif called.id not in ("range", "trange", "prange"):
        return ""
    return target.id if isinstance(target, ast.Name) else ""


def _through(loop: PositionLoop, helpers: dict[str, Definition], text: _Text) -> bool:
    """Whether the loop hands its position to a helper that stores."""
    if not helpers:
        return False
    body = text.of(loop.node)
    given = re.compile(rf"\([^()\n]{{0,400}}\b{loop.counter}\b")
    return any(
        match.group(1) in helpers and given.match(body, match.end() - 1) for match in _CALLED.finditer(body)
    )


def _empty(owner: Definition) -> Function:
    arguments = (*owner.args.posonlyargs, *owner.args.args, *owner.args.kwonlyargs)
    return Function(owner.name, owner.lineno, tuple(arg.arg for arg in arguments), [])


def _is_method(node: Definition) -> bool:
    return bool(node.args.args) and node.args.args[0].arg == "self"


def _length(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno
