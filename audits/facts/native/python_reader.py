"""Read Python functions into the common shapes."""

from __future__ import annotations

import ast

from audits.facts.native.ir import CASTS, Act, Expr, Function, Op, Stmt

NESTING = 60


def read_function(node: ast.FunctionDef | ast.AsyncFunctionDef, method: bool) -> Function:
    """Return one function with its body; of a method the object is left out of the parameters."""
    args = [arg.arg for arg in (*node.args.posonlyargs, *node.args.args)]
    names = (*args[1 if method else 0 :], *(arg.arg for arg in node.args.kwonlyargs))
    return Function(node.name, node.lineno, tuple(names), _block(node.body, 0), method)


def read_loop(node: ast.For) -> Stmt:
    """Return one loop."""
    return _loop(node, 0)


def _block(body: list[ast.stmt], depth: int) -> list[Stmt]:
    if depth > NESTING:
        return []
    return [made for node in body for made in _statement(node, depth + 1)]


def _statement(node: ast.stmt, depth: int) -> list[Stmt]:
    line = node.lineno
    if isinstance(node, ast.Assign):
        value = _expr(node.value, depth)
        return [Stmt(Act.ASSIGN, line, _expr(target, depth), value) for target in node.targets]
    if isinstance(node, ast.AnnAssign) and node.value is not None:
        return [Stmt(Act.ASSIGN, line, _expr(node.target, depth), _expr(node.value, depth))]
    if isinstance(node, ast.AugAssign):
        target = _expr(node.target, depth)
        mixed = Expr(Op.MIX, line, args=(target, _expr(node.value, depth)))
        return [Stmt(Act.ASSIGN, line, target, mixed)]
    if isinstance(node, ast.Expr):
        return [Stmt(Act.DO, line, value=_expr(node.value, depth))]
    if isinstance(node, ast.If):
        return [
            Stmt(
                Act.IF,
                line,
                None,
                _expr(node.test, depth),
                _block(node.body, depth),
                _block(node.orelse, depth),
            )
        ]
    if isinstance(node, (ast.For, ast.AsyncFor)):
        return [_loop(node, depth)]
    if isinstance(node, ast.While):
        return [Stmt(Act.LOOP, line, value=_expr(node.test, depth), body=_block(node.body, depth))]
    if isinstance(node, (ast.With, ast.AsyncWith)):
        return _block(node.body, depth)
    if isinstance(node, ast.Try):
        return [made for part in (node.body, node.orelse, node.finalbody) for made in _block(part, depth)]
    if isinstance(node, ast.Return):
        return [Stmt(Act.RETURN, line, value=_expr(node.value, depth) if node.value else None)]
    return [Stmt(Act.LEAVE, line)] if isinstance(node, (ast.Continue, ast.Break)) else []


def _loop(node: ast.For | ast.AsyncFor, depth: int) -> Stmt:
    positions: tuple[str, ...] = ()
    elements: tuple[str, ...] = ()
    name = (
        node.iter.func.id if isinstance(node.iter, ast.Call) and isinstance(node.iter.func, ast.Name) else ""
    )
    if name == "enumerate" and isinstance(node.target, ast.Tuple) and len(node.target.elts) == 2:
        positions, elements = _plain(node.target.elts[0]), _plain(node.target.elts[1])
    elif name in ("range", "trange", "prange"):
        positions = _plain(node.target)
    return Stmt(
        Act.LOOP, node.lineno, value=_expr(node.iter, depth), body=_block(node.body, depth),
        positions=positions, elements=elements,
    )  # fmt: skip


def _plain(node: ast.expr) -> tuple[str, ...]:
    return (node.id,) if isinstance(node, ast.Name) else ()


def _expr(node: ast.expr | None, depth: int) -> Expr:
    if node is None or depth > NESTING:
        return Expr(Op.CONST, 0)
    line = node.lineno
    if isinstance(node, ast.Name):
        return Expr(Op.NAME, line, node.id)
    if isinstance(node, ast.Constant):
        return Expr(Op.CONST, line)
    if isinstance(node, ast.Attribute):
        return _attribute(node, depth)
    if isinstance(node, ast.Subscript):
        return Expr(Op.INDEX, line, args=(_expr(node.value, depth + 1), _expr(node.slice, depth + 1)))
    if isinstance(node, ast.Call):
        return _call(node, depth)
    if isinstance(node, ast.IfExp):
        parts = (node.test, node.body, node.orelse)
        return Expr(Op.CHOICE, line, args=tuple(_expr(part, depth + 1) for part in parts))
    if isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant):
        return Expr(Op.CONST, line)
    logic = isinstance(node, (ast.BoolOp, ast.Compare)) or (
        isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.Invert))
    )
    inner = tuple(_expr(part, depth + 1) for part in ast.iter_child_nodes(node) if isinstance(part, ast.expr))
    if isinstance(node, ast.Tuple):
        return Expr(Op.TUPLE, line, args=inner) if inner else Expr(Op.CONST, line)
    return Expr(Op.LOGIC if logic else Op.MIX, line, args=inner)


def _attribute(node: ast.Attribute, depth: int) -> Expr:
    owner = _expr(node.value, depth + 1)
    if owner.op is Op.NAME:
        return Expr(Op.NAME, node.lineno, f"{owner.name}.{node.attr}")
    return owner


def _call(node: ast.Call, depth: int) -> Expr:
    arguments = [*node.args[:32], *(keyword.value for keyword in node.keywords[:32])]
    args = tuple(_expr(part, depth + 1) for part in arguments)
    callee = node.func
    if isinstance(callee, ast.Attribute):
        owner = _expr(callee.value, depth + 1)
        if callee.attr in CASTS:
            inner = args[:1] if args else (owner,)
            return Expr(Op.CAST, node.lineno, args=inner)
        return Expr(Op.CALL, node.lineno, callee.attr, (owner, *args))
    name = callee.id if isinstance(callee, ast.Name) else ""
    if name in CASTS and args:
        return Expr(Op.CAST, node.lineno, args=args[:1])
    return Expr(Op.CALL, node.lineno, name, args)
