"""Rewrite a parsed source so that its sums, additions and look-ups pass through functions of ours.

For the probe only. No line moves; each function returns what the script would have got:
- `x.sum(...)`, `np.mean(x)` and their like become `hook(x, "sum")(...)`;
- what `a += e`, `a = a + e` and `a.add_(e)` add becomes `hook(e, "a")`, what `a -= e` takes away
  `hook(e, "a", -1)`;
- `table[index]` with an index that is no constant becomes `hook(table, index)`.
"""

from __future__ import annotations

import ast
from typing import TypeVar

SUM = "__referee_sum__"
ADD = "__referee_add__"
READ = "__referee_read__"
REDUCTIONS = frozenset({"sum", "mean", "nansum", "nanmean", "average", "fsum"})
_Node = TypeVar("_Node", bound=ast.AST)


def instrument(tree: ast.Module, _: str = "") -> ast.Module:
    """Return the tree with the changes made."""
    _Changes().visit(tree)
    return ast.fix_missing_locations(tree)


class _Changes(ast.NodeTransformer):
    """Walks a module; annotations stay as they are."""

    def visit_arg(self, node: ast.arg) -> ast.AST:
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        returns, node.returns = node.returns, None
        self.generic_visit(node)
        node.returns = returns
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is not None:
            node.value = self.visit(node.value)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        function = node.func
        if not isinstance(function, ast.Attribute) or _is_super(function.value):
            return node
        if function.attr in REDUCTIONS:
            node.func = _call(SUM, function, function.value, ast.Constant(function.attr))
        elif function.attr == "add_" and len(node.args) == 1 and not isinstance(node.args[0], ast.Starred):
            node.args[0] = _added(node.args[0], function.value)
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.op, ast.Add | ast.Sub):
            node.value = _added(node.value, node.target, isinstance(node.op, ast.Sub))
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        self.generic_visit(node)
        value = node.value
        if (
            len(node.targets) == 1
            and isinstance(value, ast.BinOp)
            and isinstance(value.op, ast.Add | ast.Sub)
        ):
            taken = isinstance(value.op, ast.Sub)
            name = (
                ast.unparse(node.targets[0]) if isinstance(node.targets[0], ast.Name | ast.Attribute) else ""
            )
            if name and ast.unparse(value.left) == name:
                value.right = _added(value.right, node.targets[0], taken)
            elif name and not taken and ast.unparse(value.right) == name:
                value.left = _added(value.left, node.targets[0])
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        self.generic_visit(node)
        if not isinstance(node.ctx, ast.Load) or not isinstance(node.value, ast.Name | ast.Attribute):
            return node
        return _call(READ, node, node.value, node.slice) if _is_index(node.slice) else node


def _is_index(index: ast.expr) -> bool:
    """Return whether an index may be an array, or one for each of two dimensions."""
    if isinstance(index, ast.Tuple):
        return len(index.elts) == 2 and all(_is_index(entry) for entry in index.elts)
    if isinstance(index, ast.UnaryOp):
        return not isinstance(index.operand, ast.Constant)
    return not isinstance(index, ast.Constant | ast.Slice | ast.Starred | ast.JoinedStr)


def _is_super(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "super"


def _added(value: ast.expr, target: ast.expr, taken: bool = False) -> ast.expr:
    sign = [ast.Constant(-1)] if taken else []
    return _call(ADD, value, value, ast.Constant(ast.unparse(target)[:60]), *sign)


def _call(function: str, place: _Node, *arguments: ast.expr) -> ast.Call:
    return ast.copy_location(ast.Call(ast.Name(function, ast.Load()), list(arguments), []), place)
