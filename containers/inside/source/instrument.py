"""Rewrite a parsed source so that scale, devices and evaluations pass through our functions.

Four small changes, none of which moves a line:
- what is assigned to a scale-setting name, or read from the environment by one, goes through `scale`;
- parameters that size a calibration are capped where the function begins;
- a comparison of a device's type with "cuda" holds for the CPU, which stands in for it;
- functions of the module that evaluate report what they return.
"""

from __future__ import annotations

import ast
import re
from typing import TypeVar

from .. import scale

SCALE = "__referee_scale__"
IS_CUDA = "__referee_is_cuda__"
ON_CUDA = "__referee_on_cuda__"
EVALUATES = "__referee_evaluates__"
NAMES = (SCALE, IS_CUDA, ON_CUDA, EVALUATES)
_Node = TypeVar("_Node", bound=ast.AST)
_EVALUATES = re.compile(r"(?:^|_)eval(?:uate)?(?:_|$)")


def instrument(tree: ast.Module) -> ast.Module:
    """Return the tree with the four changes made."""
    _Changes().visit(tree)
    return ast.fix_missing_locations(tree)


class _Changes(ast.NodeTransformer):
    """Walks a module, knowing how deep in functions and classes it is."""

    def __init__(self) -> None:
        self.functions = 0
        self.classes = 0

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        self.classes += 1
        self.generic_visit(node)
        self.classes -= 1
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.functions += 1
        self.generic_visit(node)
        self.functions -= 1
        _cap_parameters(node)
        if not self.functions and not self.classes and _EVALUATES.search(node.name):
            node.decorator_list.insert(0, _at(ast.Name(EVALUATES, ast.Load()), node))
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        self.functions += 1
        self.generic_visit(node)
        self.functions -= 1
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        self.generic_visit(node)
        target = node.targets[0]
        if isinstance(target, ast.Name) and self._sets_scale(target.id):
            node.value = _scaled(target.id, node.value)
        elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple) and not self.functions:
            _scale_each(target, node.value)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        self.generic_visit(node)
        if node.value is not None and isinstance(node.target, ast.Name) and self._sets_scale(node.target.id):
            node.value = _scaled(node.target.id, node.value)
        return node

    def _sets_scale(self, name: str) -> bool:
        return not self.functions and scale.known(name)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        for keyword in node.keywords:
            if keyword.arg and scale.known(keyword.arg) and _is_number(keyword.value):
                keyword.value = _scaled(keyword.arg, keyword.value)
        first = node.args[0] if node.args else None
        name = _text(first)
        if name.isupper() and scale.known(name) and _last(node.func) not in _MUTATIONS:
            return _scaled(name, node)
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        self.generic_visit(node)
        name = _text(node.slice)
        if isinstance(node.ctx, ast.Load) and _last(node.value) == "environ" and scale.known(name):
            return _scaled(name, node)
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        if len(node.ops) != 1 or not isinstance(node.ops[0], ast.Eq | ast.NotEq):
            return node
        for side, other in ((node.left, node.comparators[0]), (node.comparators[0], node.left)):
            if isinstance(other, ast.Constant) and other.value == "cuda" and _last(side) in _DEVICE_TYPES:
                test: ast.expr = _at(_call(IS_CUDA, side), node)
                return test if isinstance(node.ops[0], ast.Eq) else _at(ast.UnaryOp(ast.Not(), test), node)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        if node.attr == "is_cuda" and isinstance(node.ctx, ast.Load):
            return _at(_call(ON_CUDA, node.value), node)
        return node


_DEVICE_TYPES = {"type", "device_type"}
_MUTATIONS = {"pop", "setenv", "putenv", "print", "delenv"}


def _text(node: ast.expr | None) -> str:
    """Return the text of a literal, empty for anything else."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _last(node: ast.expr) -> str:
    """Return the last name of a dotted expression."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def _at(node: _Node, place: ast.AST) -> _Node:
    return ast.copy_location(node, place)


def _call(function: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(function, ast.Load()), list(arguments), [])


def _scaled(name: str, value: ast.expr) -> ast.Call:
    return _at(_call(SCALE, ast.Constant(name), value), value)


def _scale_each(targets: ast.Tuple, values: ast.Tuple) -> None:
    """Scale `a, b = 1, 2` one by one."""
    if len(targets.elts) != len(values.elts):
        return
    for index, target in enumerate(targets.elts):
        if isinstance(target, ast.Name) and scale.known(target.id):
            values.elts[index] = _scaled(target.id, values.elts[index])


def _cap_parameters(node: ast.FunctionDef) -> None:
    """Cap, where the function begins, the parameters that size a calibration."""
    names = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
    capped = scale.calibration_parameters(names)
    lines: list[ast.stmt] = []
    for name in capped:
        value = _call(SCALE, ast.Constant("calibration:" + name), ast.Name(name, ast.Load()))
        lines.append(_at(ast.Assign([ast.Name(name, ast.Store())], value), node.body[0]))
    first = node.body[0]
    after = 1 if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) else 0
    node.body[after:after] = lines
