"""Rewrite a parsed source so that scale, devices and evaluations pass through our functions.

Small changes, none of which moves a line:
- what is assigned to a scale-setting name, or read from the environment by one, goes through `scale`;
- so does a share of a batch that is handed on as a batch;
- parameters that size a calibration are capped where the function begins;
- a comparison of a device's type with "cuda" holds for the CPU, which stands in for it;
- functions of the module that evaluate report what they return.
"""

from __future__ import annotations

import ast
import re
from typing import TypeVar

from .. import scale
from ..scale_table import CONSTANTS, IN_SETTINGS, MAX_SEQUENCES

SCALE = "__referee_scale__"
IS_CUDA = "__referee_is_cuda__"
ON_CUDA = "__referee_on_cuda__"
EVALUATES = "__referee_evaluates__"
NAMES = (SCALE, IS_CUDA, ON_CUDA, EVALUATES)
_Node = TypeVar("_Node", bound=ast.AST)
_SETTINGS = re.compile(r"config|hyper|settings|params|args", re.IGNORECASE)
_EVALUATES = re.compile(r"(?:^|_)eval(?:uate)?(?:_|$)")


def instrument(tree: ast.Module) -> ast.Module:
    """Return the tree with the changes made."""
    _Changes().visit(tree)
    return ast.fix_missing_locations(tree)


class _Changes(ast.NodeTransformer):
    """Walks a module, knowing how deep in functions and classes it is."""

    def __init__(self) -> None:
        self.functions = 0
        self.classes = 0
        self.settings = False

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        outer, self.settings = self.settings, _SETTINGS.search(node.name) is not None
        self.classes += 1
        self.generic_visit(node)
        self.classes -= 1
        self.settings = outer
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
        if isinstance(target, ast.Name):
            name = self._sized(target.id, node.value)
            node.value = _scaled(name, node.value) if name else node.value
        elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple) and not self.functions:
            _scale_each(target, node.value)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        self.generic_visit(node)
        if node.value is not None and isinstance(node.target, ast.Name):
            name = self._sized(node.target.id, node.value)
            node.value = _scaled(name, node.value) if name else node.value
        return node

    def _sized(self, target: str, value: ast.expr) -> str:
        """Return the table's name of what an assignment sizes, else an empty string."""
        name = _meant(target, self.settings)
        return name if not self.functions and scale.known(name) else _constant(target, value)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        settings = _SETTINGS.search(_last(node.func)) is not None
        for keyword in node.keywords:
            name = _meant(keyword.arg or "", settings)
            if scale.known(name) and _is_number(keyword.value):
                keyword.value = _scaled(name, keyword.value)
        if "batch" in _last(node.func):
            node.args = [_whole(argument) for argument in node.args]
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


def _meant(name: str, settings: bool) -> str:
    """Return the name by which the table knows a letter, where settings are made."""
    return IN_SETTINGS.get(name, name) if settings else name


def _constant(name: str, value: ast.expr) -> str:
    """Return the table's name of a constant: capitals, a number beside them, wherever it stands (#1574)."""
    if not (name.isupper() and isinstance(value, ast.Constant) and type(value.value) is int):
        return ""
    if name in CONSTANTS:
        return CONSTANTS[name] if value.value <= MAX_SEQUENCES else ""
    return name if len(name) > 1 and scale.known(name) else ""


def _whole(argument: ast.expr) -> ast.expr:
    """Return `batch_tokens // 4`, handed on as a batch, such that a small batch is handed on whole."""
    if not (isinstance(argument, ast.BinOp) and isinstance(argument.op, ast.FloorDiv)):
        return argument
    name = _last(argument.left)
    fits = _is_number(argument.right) and scale.share_of(name)
    return _scaled("share:" + name, argument) if fits else argument


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
