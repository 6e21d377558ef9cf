"""Functional gradients, closed-form fits and calls with other weights."""

from __future__ import annotations

import ast

from audits.facts.code import labels as lab
from audits.facts.code.calls import call_value, union
from audits.facts.code.events import Learner, UpdateKind
from audits.facts.code.machine import Machine
from audits.facts.code.memory import Frame
from audits.facts.code.updates import backward, learner_of
from audits.facts.code.values import (
    NONE,
    NOTHING,
    Args,
    Bound,
    External,
    Fixed,
    Function,
    Gradient,
    Kwargs,
    Net,
    Partial,
    Value,
)


def value_and_grad(
    machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs
) -> Value:
    """MLX and functional gradients."""
    inner = next(
        (value for value in reversed(args) if isinstance(value.obj, Function | Partial | Bound)), None
    )
    if inner is None:
        return Value(union(machine, args, kwargs))
    return Value(0, Gradient(inner, func.last == "value_and_grad"))


def autograd(
    machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs
) -> Value:
    """`torch.autograd.grad(loss, tensors)`: a gradient taken by hand has learned from what the loss saw."""
    loss = machine.mask(args[0]) if args else 0
    learned = machine.learned(frame, node, loss, UpdateKind.GRADIENT, gradient_learner(machine, args))
    out = learned | loss & (machine.labels.params | lab.TRAIN)
    return Value(out)


def descend(
    machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs
) -> Value:
    """`torch.autograd.backward(losses)`."""
    backward(machine, union(machine, args, kwargs))
    return NONE


def gradient_learner(machine: Machine, args: Args) -> Learner:
    """Return what a hand-taken gradient is for."""
    for value in args[1:2]:
        for bit in lab.bit_numbers(machine.mask(value) & machine.labels.params):
            owner = machine.labels.param_info[bit]
            if isinstance(owner, Net):
                return learner_of(machine, owner)
    return Learner.FREE_TENSOR


def solve(machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs) -> Value:
    """A closed-form fit has learned from its right-hand side."""
    mask = union(machine, args, kwargs)
    return Value(
        mask & ~machine.labels.vals | machine.learned(frame, node, mask, UpdateKind.SOLVED, Learner.UNKNOWN)
    )


def deep_copy(
    machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs
) -> Value:
    """A copy with its own identity."""
    value = args[0] if args else NOTHING
    if isinstance(value.obj, Net):
        net = machine.track(Net(value.obj.cls))
        machine.put(
            (id(net), ""),
            machine.content(value.obj) | machine.labels.lineage(machine.labels.param(value.obj)),
        )
        return Value(value.labels, net)
    return Value(machine.mask(value))


def functional_call(
    machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs
) -> Value:
    """`torch.func.functional_call(net, state, args)`."""
    if not args:
        return NOTHING
    state = machine.mask(args[1]) if len(args) > 1 else 0
    given = args[2].obj.items if len(args) > 2 and isinstance(args[2].obj, Fixed) else args[2:]
    net = args[0].obj
    if not isinstance(net, Net):
        return Value(machine.mask(call_value(machine, frame, node, args[0], list(given), {})) | state)
    own = machine.content(net)
    machine.put((id(net), ""), own | state & (machine.labels.states | machine.labels.lineages))
    out = call_value(machine, frame, node, args[0], list(given), {})
    machine.put((id(net), ""), own)
    return Value(machine.mask(out) | state)
