"""Assignments: names, attributes, items and tuples of them."""

from __future__ import annotations

import ast

from audits.facts.code.events import UpdateKind
from audits.facts.code.expressions import evaluate
from audits.facts.code.iteration import element_of
from audits.facts.code.machine import Machine
from audits.facts.code.memory import Frame
from audits.facts.code.subscripts import store_subscript
from audits.facts.code.updates import hang, overwrite, update_net
from audits.facts.code.values import (
    Buffer,
    Class,
    Fixed,
    Function,
    Imported,
    Instance,
    Net,
    Part,
    Value,
    objects,
)


def assign(machine: Machine, frame: Frame, target: ast.expr, value: Value) -> None:
    """Bind a target to a value."""
    kind = type(target)
    if kind is ast.Name:
        bind_name(frame, target.id, value)  # type: ignore[attr-defined]
    elif kind is ast.Attribute:
        store_attribute(machine, frame, target, value)  # type: ignore[arg-type]
    elif kind is ast.Subscript:
        store_subscript(machine, frame, target, value)  # type: ignore[arg-type]
    elif kind in (ast.Tuple, ast.List):
        unpack(machine, frame, target.elts, value)  # type: ignore[attr-defined]
    elif kind is ast.Starred:
        assign(machine, frame, target.value, value)  # type: ignore[attr-defined]


def bind_name(frame: Frame, name: str, value: Value) -> None:
    """Bind a local, global or outer name."""
    if name in frame.global_names:
        frame.module.env[name] = value
    elif name in frame.outer_names:
        for scope in frame.scopes:
            if name in scope:
                scope[name] = value
                return
        frame.env[name] = value
    else:
        frame.env[name] = value


def unpack(machine: Machine, frame: Frame, targets: list[ast.expr], value: Value) -> None:
    """Bind several targets to the elements of a value."""
    found = objects(value)
    if (
        len(found) == 1
        and isinstance(found[0], Fixed)
        and len(found[0].items) == len(targets)
        and not any(isinstance(target, ast.Starred) for target in targets)
    ):
        for target, item in zip(targets, found[0].items, strict=True):
            assign(machine, frame, target, item)
        return
    item = element_of(machine, frame, targets[0] if targets else ast.Pass(), value, 0)
    for target in targets:
        assign(machine, frame, target, item)


def own_default(machine: Machine, obj: Instance, name: str) -> None:
    """Let an instance hold what its class gives it, so that a branch that does not write keeps it (#922)."""
    if (id(obj), name) in machine.heap or obj.cls is None:
        return
    found = obj.cls.find(name)
    if found is not None and not isinstance(found.obj, Function):
        # Not journalled: it is what a reader would find there before and after every branch.
        machine.heap[id(obj), name] = found


def replace_parameter(machine: Machine, frame: Frame, node: ast.AST, net: Net, value: Value) -> None:
    """Let a net take up what a new parameter of it was made of: `net.bias = nn.Parameter(counts.log())`."""
    made = value.obj
    if isinstance(made, Buffer) and made.trainable and net not in machine.running_nets:
        update_net(machine, frame, node, net, machine.content(made), UpdateKind.IN_PLACE)


def store_attribute(machine: Machine, frame: Frame, node: ast.Attribute, value: Value) -> None:
    """Perform `base.name = value`."""
    base = evaluate(machine, frame, node.value)
    for obj in objects(base):
        kind = type(obj)
        if kind is Instance or kind is Net:
            if kind is Instance and machine.branch_depth:
                own_default(machine, obj, node.attr)
            machine.put((id(obj), node.attr), value)
            if kind is Net:
                replace_parameter(machine, frame, node, obj, value)
                hang(machine, obj, node.attr, value)
        elif kind is Class:
            obj.attrs[node.attr] = value
        elif kind is Imported:
            obj.module.env[node.attr] = value
        elif kind is Part:
            if node.attr == "grad":
                bit = machine.labels.param(obj.net).bit_length() - 1
                mask = machine.mask(value)
                machine.put(("gradient", bit), mask)
            elif node.attr == "data":
                overwrite(machine, frame, node, obj, machine.mask(value))
            elif node.attr not in ("requires_grad",):
                machine.put((id(obj.net), f"{obj.path}.{node.attr}"), value)
                replace_parameter(machine, frame, node, obj.net, value)
        elif kind is Buffer and node.attr == "data":
            machine.add_content(obj, machine.mask(value))
