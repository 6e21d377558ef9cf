"""Counters: names that a loop moves on from pass to pass, so that what they index belongs to the pass."""

from __future__ import annotations

import ast

from audits.facts.code.machine import Machine
from audits.facts.code.memory import Frame
from audits.facts.code.values import Value


def advance(machine: Machine, value: Value) -> Value:
    """Mark a counter that moves from pass to pass with the innermost loop."""
    if not machine.loops or value.obj is not None:
        return value
    labels = machine.labels
    if value.labels & (labels.vals | labels.scores | labels.params | labels.states):
        return value
    machine.effects += 1
    return Value(value.labels | machine.loops[-1].tag)


def counts_up(node: ast.BinOp, name: str) -> bool:
    """Return whether an operation moves a name on: `name + ...`."""
    return isinstance(node.left, ast.Name) and node.left.id == name


def own_counters(
    machine: Machine, frame: Frame, node: ast.For | ast.AsyncFor | ast.While, step: float, tag: int
) -> None:
    """Let the names that a loop moves on belong to the pass that begins."""
    names = machine.counters.get(id(node))
    if names is None:
        names = counters_of(node.body)
        if isinstance(node, ast.While):
            names += sorted(cursors_of(node) - set(names))
        machine.counters[id(node)] = names
    if not names:
        return
    before = machine.labels.tag(machine.loops[-1].number, step - 1)
    for name in names:
        value = frame.env.get(name)
        if value is not None and value.obj is None and not value.labels & machine.labels.scores:
            frame.env[name] = Value(value.labels & ~before | tag, None, value.const)


def counters_of(body: list[ast.stmt]) -> list[str]:
    """Return the names that a loop moves on by itself: what they index belongs to the pass."""
    found: list[str] = []
    stack = list(body)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            if isinstance(node.op, ast.Add | ast.Sub):
                found.append(node.target.id)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp):
            found += [
                item.id
                for item in node.targets
                if isinstance(item, ast.Name) and counts_up(node.value, item.id)
            ]
        elif isinstance(node, ast.If | ast.With | ast.Try):
            stack.extend(node.body)
    return found


def cursors_of(node: ast.While) -> set[str]:
    """Return the names that a loop tests and sets: `while at < n: ...; at = end`."""
    tested = {item.id for item in ast.walk(node.test) if isinstance(item, ast.Name)}
    found: set[str] = set()
    stack = list(node.body)
    while stack and tested:
        item = stack.pop()
        if isinstance(item, ast.Assign):
            found |= {target.id for target in item.targets if isinstance(target, ast.Name)}
        elif isinstance(item, ast.If | ast.With | ast.Try):
            stack.extend(item.body)
    return found & tested
