"""Objects of the submission's classes: plain ones are built, neural modules are one trainable thing."""

from __future__ import annotations

import ast

from audits.facts.code.calls import call_function, is_idle, union
from audits.facts.code.machine import Machine
from audits.facts.code.memory import Frame
from audits.facts.code.parameters import bind_arguments
from audits.facts.code.switches import kept_switch, plain_value, written_once
from audits.facts.code.values import NOTHING, Class, Function, Instance, Net, Optimiser, Value


def construct(
    machine: Machine, frame: Frame, node: ast.AST, cls: Class, args: list[Value], kwargs: dict[str, Value]
) -> Value:
    """Make an object of a class of the submission."""
    if cls.kind == "net":
        return make_net(machine, cls, args, kwargs)
    if cls.kind == "optimiser":
        return Value(0, machine.track(Optimiser(union(machine, args, kwargs) & machine.labels.params)))
    if cls.kind == "autograd":
        return NOTHING
    instance = machine.track(Instance(cls))
    value = Value(0, instance)
    init = cls.find("__init__")
    if init is not None and isinstance(init.obj, Function):
        method = Function(
            init.obj.node, init.obj.module, init.obj.scopes, init.obj.owner, value, init.obj.defaults
        )
        call_function(machine, frame, method, args, kwargs, node)
        if is_idle(machine, method, args, kwargs):
            machine.add_content(instance, union(machine, args, kwargs))
            _store_parameters(machine, instance, method, args, kwargs)
    else:
        _fill_dataclass(machine, frame, node, instance, cls, args, kwargs)
    return value


def _store_parameters(
    machine: Machine, instance: Instance, method: Function, args: list[Value], kwargs: dict[str, Value]
) -> None:
    """Read `self.x = parameter` lines of a constructor that was not entered."""
    env = bind_arguments(machine, method, [Value(0, instance), *args], kwargs)
    body = method.node.body if isinstance(method.node.body, list) else []
    for item in body:
        if isinstance(item, ast.Assign) and isinstance(item.value, ast.Name) and item.value.id in env:
            for target in item.targets:
                if isinstance(target, ast.Attribute):
                    machine.put((id(instance), target.attr), env[item.value.id])


def _fill_dataclass(
    machine: Machine,
    frame: Frame,
    node: ast.AST,
    instance: Instance,
    cls: Class,
    args: list[Value],
    kwargs: dict[str, Value],
) -> None:
    """Set the fields of a dataclass from its arguments."""
    for name, value in zip(cls.field_names, args, strict=False):
        machine.put((id(instance), name), value)
    for name, value in kwargs.items():
        machine.put((id(instance), name), value)
    after = cls.find("__post_init__")
    if after is not None and isinstance(after.obj, Function):
        found = after.obj
        method = Function(
            found.node, found.module, found.scopes, found.owner, Value(0, instance), found.defaults
        )
        call_function(machine, frame, method, [], {}, node)


def make_net(machine: Machine, cls: Class | None, args: list[Value], kwargs: dict[str, Value]) -> Value:
    """Make a neural module. Its constructor is not entered: it is one trainable thing."""
    net = machine.track(Net(cls))
    given = union(machine, args, kwargs)
    if given & machine.labels.params:
        net.low_rank = True
    if given & (machine.labels.states | machine.labels.vals):
        machine.add_content(net, given & machine.labels.states)
    if cls is not None:
        _store_net_parameters(machine, net, cls, args, kwargs)
    return Value(0, net)


def _store_net_parameters(
    machine: Machine, net: Net, cls: Class, args: list[Value], kwargs: dict[str, Value]
) -> None:
    """Read `self.x = parameter` lines of a net's constructor, and those that keep a switch."""
    init = cls.find("__init__")
    if init is None or not isinstance(init.obj, Function):
        return
    env = bind_arguments(machine, init.obj, [Value(0, net), *args], kwargs)
    body = init.obj.node.body
    for item in body if isinstance(body, list) else []:
        if not isinstance(item, ast.Assign):
            continue
        if isinstance(item.value, ast.Name):
            value = env.get(item.value.id)
            if value is None or value.obj is not None and not isinstance(value.obj, Net | Function):
                continue
            names = [target.attr for target in item.targets if isinstance(target, ast.Attribute)]
        else:
            module = init.obj.module
            names = [
                target.attr
                for target in item.targets
                if isinstance(target, ast.Attribute) and written_once(machine, module, target.attr)
            ]
            value = kept_switch(machine, env, item.value) if names else None
            if value is None and names:
                value = plain_value(machine, Frame(module, env, init.obj.scopes, "__init__"), item.value)
        if value is None:
            continue
        for name in names:
            machine.put((id(net), name), value)
