"""Writing over tensors: methods that change their receiver, one by one or over a whole list of tensors."""

from __future__ import annotations

import ast

from audits.facts.code import labels as lab
from audits.facts.code.arithmetic import combine
from audits.facts.code.calls import union
from audits.facts.code.container_methods import into_container
from audits.facts.code.events import UpdateKind
from audits.facts.code.expressions import evaluate
from audits.facts.code.iteration import element_of
from audits.facts.code.machine import Machine
from audits.facts.code.memory import Frame
from audits.facts.code.updates import load_weights, overwrite, update_net
from audits.facts.code.values import (
    NONE,
    NOTHING,
    Args,
    Buffer,
    Container,
    External,
    Kwargs,
    Net,
    Part,
    Value,
    objects,
)

FOREACH = "_foreach_"
_OVERWRITING = frozenset(("copy_", "zero_", "fill_", "normal_", "uniform_"))
"""In-place methods that leave nothing of the old values."""
ARITHMETIC: dict[str, ast.operator] = {
    "add_": ast.Add(),
    "sub_": ast.Sub(),
    "mul_": ast.Mult(),
    "div_": ast.Div(),
    "add": ast.Add(),
    "sub": ast.Sub(),
    "mul": ast.Mult(),
    "div": ast.Div(),
    "bitwise_xor_": ast.BitXor(),
    "bitwise_xor": ast.BitXor(),
    "remainder": ast.Mod(),
    "bitwise_and": ast.BitAnd(),
}


def arithmetic(
    machine: Machine, frame: Frame, node: ast.AST, receiver: Value, name: str, args: Args, kwargs: Kwargs
) -> Value:
    """Arithmetic by method, in place or not."""
    other = args[0] if args else NOTHING
    extra = union(machine, args[1:], kwargs)
    if extra:
        other = Value(machine.mask(other) | extra)
    if name.endswith("_"):
        for obj in objects(receiver):
            if isinstance(obj, Net | Part):
                net = obj if isinstance(obj, Net) else obj.net
                update_net(machine, frame, node, net, machine.mask(other), UpdateKind.IN_PLACE)
                return receiver
        result = combine(machine, frame, node, ARITHMETIC[name], Value(machine.mask(receiver)), other)
        for obj in objects(receiver):
            if isinstance(obj, Buffer):
                machine.add_content(obj, result.labels)
                return receiver
        into_container(machine, frame, node, receiver, machine.mask(other))
        into_state(machine, frame, node, name, machine.mask(other))
        return result
    return combine(machine, frame, node, ARITHMETIC[name], receiver, other)


def in_place(
    machine: Machine, frame: Frame, node: ast.AST, receiver: Value, name: str, args: Args, kwargs: Kwargs
) -> Value:
    """Any other in-place method: the receiver takes up its arguments."""
    mask = union(machine, args, kwargs)
    for obj in objects(receiver):
        if isinstance(obj, Part) and name in _OVERWRITING:
            overwrite(machine, frame, node, obj, mask)
        elif isinstance(obj, Net | Part):
            update_net(
                machine, frame, node, obj if isinstance(obj, Net) else obj.net, mask, UpdateKind.IN_PLACE
            )
        elif isinstance(obj, Buffer):
            machine.add_content(obj, mask)
    into_container(machine, frame, node, receiver, mask)
    if receiver.obj is None:
        into_state(machine, frame, node, name, mask)
    return receiver if receiver.obj is not None else Value(receiver.labels | mask)


def each_in_place(
    machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs
) -> Value:
    """`torch._foreach_add_(tensors, ...)` and its like: every tensor of a list takes up the rest (#2104)."""
    name, mask = func.last.removeprefix(FOREACH), union(machine, args[1:], kwargs)
    target = element_of(machine, frame, node, args[0], 0)
    labels = machine.labels
    for obj in objects(target):
        if isinstance(obj, Part) and name in _OVERWRITING and not mask & (labels.vals | lab.GRADIENT):
            load_weights(machine, frame, node, obj.net, mask)
        else:
            call = arithmetic if name in ARITHMETIC else in_place
            call(machine, frame, node, Value(target.labels, obj), name, [Value(mask)], {})
    if target.obj is None:
        for box in objects(args[0]):
            if isinstance(box, Container):
                machine.add_content(box, mask & (labels.vals | labels.states | labels.params))
    return NONE


def into_state(machine: Machine, frame: Frame, node: ast.AST, name: str, mask: int) -> None:
    """Let `net.state_dict()[key].copy_(x)` reach the net: what it gives out are its own tensors (#1422)."""
    target = node.func.value if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else None
    owner = target.value if isinstance(target, ast.Subscript) else None
    if not isinstance(owner, ast.Call) or getattr(owner.func, "attr", "") != "state_dict":
        return
    for obj in objects(evaluate(machine, frame, owner.func.value)):  # type: ignore[attr-defined]
        if isinstance(obj, Net | Part):
            net = obj if isinstance(obj, Net) else obj.net
            if name in _OVERWRITING:
                overwrite(machine, frame, node, Part(net), mask)
            else:
                update_net(machine, frame, node, net, mask, UpdateKind.IN_PLACE)
