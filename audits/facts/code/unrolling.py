"""Short ways of writing several statements, read as the statements they stand for.

`(a if test else b).append(x)` is a branch, and a loop that sets one attribute after another by name is as
many assignments: read as one, the first mixes what the test keeps apart and the second sets nothing.
"""

from __future__ import annotations

import ast

from audits.facts.code.assignments import assign
from audits.facts.code.machine import Machine
from audits.facts.code.memory import BREAK, NORMAL, RAISE, RETURN, Frame
from audits.facts.code.values import Class, Container, Fixed, Value

ROWS_CAP = 512


def choice_of_receiver(machine: Machine, node: ast.Expr) -> ast.If | None:
    """Return the branch that `(a if test else b).method(...)` stands for (#476)."""
    call = node.value
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
        return None
    choice = call.func.value
    if not isinstance(choice, ast.IfExp):
        return None
    made: ast.If | None = machine.branches_made.get(id(node))
    if made is None:
        sides: list[list[ast.stmt]] = []
        for side in (choice.body, choice.orelse):
            method = ast.Attribute(value=side, attr=call.func.attr, ctx=ast.Load())
            call_of = ast.Call(func=method, args=call.args, keywords=call.keywords)
            sides.append([ast.Expr(value=call_of)])
        made = ast.If(test=choice.test, body=sides[0], orelse=sides[1])
        for part in (made, *(item for side in sides for item in side)):
            ast.copy_location(part, node)
            ast.fix_missing_locations(part)
        machine.branches_made[id(node)] = made
    return made


def named_rows(
    machine: Machine, frame: Frame, node: ast.For | ast.AsyncFor, source: Value
) -> list[Value] | None:
    """Return the names and values that a loop goes over whose body sets attributes by these names (#1340)."""
    target = node.target
    if not isinstance(target, ast.Tuple) or not target.elts or not isinstance(target.elts[0], ast.Name):
        return None
    if source.const != ("items",) or "setattr" not in frame.module.layer.source:
        return None
    if not sets_by_name(node.body, target.elts[0].id):
        return None
    obj = source.obj
    rows: dict[object, Value | None] = {}
    if isinstance(obj, Class):
        rows.update(obj.attrs)
    elif isinstance(obj, Container):
        rows.update({key: machine.heap.get((id(obj), ("key", key))) for key in obj.keyed})
    found = [(name, value) for name, value in rows.items() if isinstance(name, str) and value is not None]
    if not found or len(found) > ROWS_CAP:
        return None
    return [Value(0, Fixed([Value(0, None, name), value])) for name, value in found]


def sets_by_name(body: list[ast.stmt], name: str) -> bool:
    """Return whether a block calls `setattr(target, name, ...)`."""
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "setattr"
        and len(node.args) == 3
        and isinstance(node.args[1], ast.Name)
        and node.args[1].id == name
        for item in body
        for node in ast.walk(item)
    )


def unrolled(machine: Machine, frame: Frame, node: ast.For | ast.AsyncFor, rows: list[Value]) -> int:
    """Run a loop body once for each row, one after the other."""
    from audits.facts.code.statements import execute

    for row in rows:
        assign(machine, frame, node.target, row)
        flow = execute(machine, frame, node.body)
        if flow in (RETURN, RAISE):
            return flow
        if flow == BREAK:
            break
    return NORMAL
