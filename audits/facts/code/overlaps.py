"""Windows of one loop that reach into those of the next pass: `x = tokens[w : w + 1024]`, `w += 512`.

Promises to say so only where both numbers are known. It matters where each window is scored whole: what was
learned from the window before has then seen tokens that this pass scores again (#1358).
"""

from __future__ import annotations

import ast

from audits.facts.code import labels as lab
from audits.facts.code.expressions import evaluate
from audits.facts.code.machine import Machine
from audits.facts.code.memory import Frame
from audits.facts.code.values import Value


def note_strides(machine: Machine, frame: Frame, node: ast.For | ast.AsyncFor | ast.While) -> None:
    """Remember by how much the position of the loop that begins moves on, where that is a known number."""
    number = machine.loops[-1].number
    for name, step in _steps(node):
        size = evaluate(machine, frame, step).const
        if type(size) is int and size > 1:
            machine.strides[name] = (number, size)
        else:
            machine.strides.pop(name, None)


def _steps(node: ast.For | ast.AsyncFor | ast.While) -> list[tuple[str, ast.expr]]:
    if not isinstance(node, ast.While):
        call, target = node.iter, node.target
        if not isinstance(call, ast.Call) or len(call.args) != 3 or not isinstance(target, ast.Name):
            return []
        ranged = isinstance(call.func, ast.Name) and call.func.id == "range"
        return [(target.id, call.args[2])] if ranged else []
    return [
        (item.target.id, item.value)
        for item in node.body
        if isinstance(item, ast.AugAssign)
        if isinstance(item.op, ast.Add) and isinstance(item.target, ast.Name)
    ]


def reaches_on(machine: Machine, frame: Frame, part: ast.expr) -> int:
    """Return OVERLAPPING for a cut that is longer than the step of the loop whose position it begins at."""
    if not machine.strides or not isinstance(part, ast.Slice) or part.lower is None or part.upper is None:
        return 0
    first, last = _place(machine, frame, part.lower), _place(machine, frame, part.upper)
    if first is None or last is None or first[0] != last[0]:
        return 0
    loop, step = machine.strides.get(first[0], (0, 0))
    if not step or last[1] - first[1] <= step + 1:
        return 0
    machine.overlapped.add(loop)
    return lab.OVERLAPPING


def _place(machine: Machine, frame: Frame, node: ast.expr) -> tuple[str, int] | None:
    """Return a position as a name and a known number that is added to it."""
    if isinstance(node, ast.Name):
        return (node.id, 0) if node.id in machine.strides else None
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Add):
        return None
    for base, added in ((node.left, node.right), (node.right, node.left)):
        found = _place(machine, frame, base)
        if found is not None:
            size = evaluate(machine, frame, added).const
            return (found[0], found[1] + size) if type(size) is int else None
    return None


def scored_whole(targets: int, reduction: Value | None) -> bool:
    """Return whether a loss is taken over all of an overlapping window: nothing was cut or will be."""
    mean = reduction is None or reduction.const in ("mean", "sum")
    return bool(targets & lab.OVERLAPPING) and mean and not targets & (lab.PREFIX | lab.SUFFIX)
