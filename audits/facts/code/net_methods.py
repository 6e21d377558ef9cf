"""Methods of nets and optimisers: gradients, steps, weights and hooks."""

from __future__ import annotations

import ast

from audits.facts.code import labels as lab
from audits.facts.code import tensors
from audits.facts.code.calls import call_net, call_value, union
from audits.facts.code.containers import add_element, heap_object
from audits.facts.code.events import Learner, UpdateKind
from audits.facts.code.machine import Machine
from audits.facts.code.memory import Frame
from audits.facts.code.updates import backward, load_weights, step, update_net, zero_gradients
from audits.facts.code.values import (
    NONE,
    NOTHING,
    Args,
    Container,
    Fixed,
    Function,
    Hook,
    Kwargs,
    Net,
    Optimiser,
    Part,
    Value,
    objects,
)


def backward_of(
    machine: Machine, frame: Frame, node: ast.AST, receiver: Value, name: str, args: Args, kwargs: Kwargs
) -> Value | None:
    """`loss.backward()`; where no trainable thing is known behind the loss, what learned is out of sight."""
    mask = machine.mask(receiver) | union(machine, args, {})
    backward(machine, mask)
    if mask & machine.labels.vals and mask & lab.TARGET and not mask & machine.labels.params:
        machine.learned(frame, node, mask, UpdateKind.GRADIENT, Learner.UNKNOWN)
    return NONE


def step_of(
    machine: Machine, frame: Frame, node: ast.AST, receiver: Value, name: str, args: Args, kwargs: Kwargs
) -> Value | None:
    """`optimizer.step()`, with or without a closure."""
    for value in args:
        if isinstance(value.obj, Function):
            call_value(machine, frame, node, value, [], {})
        for obj in objects(value):
            if isinstance(obj, Optimiser):
                step(machine, frame, node, obj.params)
    found = [obj for obj in objects(receiver) if isinstance(obj, Optimiser)]
    for obj in found:
        step(machine, frame, node, obj.params | machine.content(obj) & machine.labels.params)
    return NONE if found or not objects(receiver) else None


def zero_grad(
    machine: Machine, frame: Frame, node: ast.AST, receiver: Value, name: str, args: Args, kwargs: Kwargs
) -> Value | None:
    """`zero_grad()`."""
    zero_gradients(machine, machine.mask(receiver))
    return NONE


def update_of(
    machine: Machine, frame: Frame, node: ast.AST, receiver: Value, name: str, args: Args, kwargs: Kwargs
) -> Value | None:
    """`optimizer.update(model, gradients)` of MLX, `dict.update`, `Counter.update`."""
    for obj in objects(receiver):
        if isinstance(obj, Optimiser) and args:
            mask = union(machine, args[1:], kwargs)
            for target in objects(args[0]):
                if isinstance(target, Net | Part):
                    net = target if isinstance(target, Net) else target.net
                    update_net(machine, frame, node, net, mask, UpdateKind.OPTIMISER)
            return NONE
        if isinstance(obj, Net) and args:
            update_net(machine, frame, node, obj, machine.mask(args[0]), UpdateKind.IN_PLACE)
            return NONE
        if isinstance(obj, Container):
            mask = union(machine, args, kwargs)
            for value in args:
                source = heap_object(value)
                if isinstance(source, Container):
                    element = machine.heap.get((id(source), "element"))
                    if element is not None:
                        add_element(machine, obj, element)
            if mask & machine.labels.vals and mask & machine.labels.reads:
                tensors.table_write(machine, frame, node, Value(0, obj), mask)
            else:
                machine.add_content(obj, mask)
            return NONE
    return None


def load_state(
    machine: Machine, frame: Frame, node: ast.AST, receiver: Value, name: str, args: Args, kwargs: Kwargs
) -> Value | None:
    """`load_state_dict` and `load_weights`."""
    for obj in objects(receiver):
        if isinstance(obj, Net | Part):
            net = obj if isinstance(obj, Net) else obj.net
            load_weights(machine, frame, node, net, union(machine, args, kwargs))
    return NONE


def parameters_of(
    machine: Machine, frame: Frame, node: ast.AST, receiver: Value, name: str, args: Args, kwargs: Kwargs
) -> Value | None:
    """Parameters, submodules and state of a net."""
    found = [obj for obj in objects(receiver) if isinstance(obj, Net | Part)]
    if not found:
        return None
    obj = found[0]
    net = obj if isinstance(obj, Net) else obj.net
    part = Value(receiver.labels, Part(net))
    if name.startswith("named"):
        return Value(0, Fixed([Value(), part]), ("zip",))
    if name == "state_dict":
        return Value(machine.mask(receiver))
    return part


def add_hook(
    machine: Machine, frame: Frame, node: ast.AST, receiver: Value, name: str, args: Args, kwargs: Kwargs
) -> Value | None:
    """`register_forward_hook`."""
    for obj in objects(receiver):
        net = obj if isinstance(obj, Net) else obj.net if isinstance(obj, Part) else None
        if net is not None and args:
            net.hooks = [*net.hooks[-3:], args[0]]
            return Value(0, Hook(net))
    return NOTHING


def remove_hook(
    machine: Machine, frame: Frame, node: ast.AST, receiver: Value, name: str, args: Args, kwargs: Kwargs
) -> Value | None:
    """`handle.remove()`."""
    for obj in objects(receiver):
        if isinstance(obj, Hook):
            obj.net.hooks = []
    return NONE


def forward_of(
    machine: Machine, frame: Frame, node: ast.AST, receiver: Value, name: str, args: Args, kwargs: Kwargs
) -> Value | None:
    """`net.forward(...)` called by name."""
    if isinstance(receiver.obj, Net):
        return call_net(machine, frame, node, receiver, receiver.obj, "forward", args, kwargs)
    return None
