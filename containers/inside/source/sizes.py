"""Rewrite a parsed source so that sizes of tables, and of the vocabulary, pass through a function of ours.

For the probe's replays only: what is assigned or passed to a name that says so becomes `hook("name", value)`.
No line moves.
"""

from __future__ import annotations

import ast
import re

SIZE = "__referee_size__"
_NAMED = re.compile(
    r"(?:^|_)(?:buckets|(?:table|hash|cache|bucket)_(?:size|bits|slots)|vocab_size)$", re.IGNORECASE
)


def instrument(tree: ast.Module, _: str = "") -> ast.Module:
    """Return the tree with the changes made."""
    _Changes().visit(tree)
    return ast.fix_missing_locations(tree)


def named(name: str) -> bool:
    """Return whether a name says how large a table or the vocabulary is."""
    return _NAMED.search(name) is not None


class _Changes(ast.NodeTransformer):
    """Walks a module."""

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        self.generic_visit(node)
        if len(node.targets) == 1:
            node.value = _sized(_name(node.targets[0]), node.value)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        self.generic_visit(node)
        if node.value is not None:
            node.value = _sized(_name(node.target), node.value)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        for keyword in node.keywords:
            if keyword.arg and isinstance(keyword.value, ast.Constant | ast.BinOp):
                keyword.value = _sized(keyword.arg, keyword.value)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        spec = node.args
        ordered = [*spec.posonlyargs, *spec.args]
        for index, argument in enumerate(ordered[len(ordered) - len(spec.defaults) :]):
            spec.defaults[index] = _sized(argument.arg, spec.defaults[index])
        for index, argument in enumerate(spec.kwonlyargs):
            given = spec.kw_defaults[index]
            if given is not None:
                spec.kw_defaults[index] = _sized(argument.arg, given)
        return node


def _name(target: ast.expr) -> str:
    if isinstance(target, ast.Attribute):
        return target.attr
    return target.id if isinstance(target, ast.Name) else ""


def _sized(name: str, value: ast.expr) -> ast.expr:
    if not named(name):
        return value
    made = ast.Call(ast.Name(SIZE, ast.Load()), [ast.Constant(name.lower()), value], [])
    return ast.copy_location(made, value)
