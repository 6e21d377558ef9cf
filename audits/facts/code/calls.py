"""Calls: the submission's own functions are entered, library calls go by what they are known to do."""

from __future__ import annotations

import ast
from collections.abc import Callable
from functools import cache
from typing import Any

from audits.facts.code import labels as lab
from audits.facts.code.attributes import get_attribute
from audits.facts.code.expressions import EXPRESSIONS, evaluate
from audits.facts.code.iteration import element_of
from audits.facts.code.machine import Machine
from audits.facts.code.memory import DEPTH_CAP, NORMAL, Frame
from audits.facts.code.parameters import bind_arguments, parameters, spread
from audits.facts.code.records import held
from audits.facts.code.statements import execute
from audits.facts.code.switches import plain_answer
from audits.facts.code.updates import backward, hung
from audits.facts.code.values import (
    NOTHING,
    UNKNOWN,
    Bound,
    Class,
    Container,
    External,
    Fixed,
    Function,
    Gradient,
    HeapObject,
    Instance,
    Net,
    Optimiser,
    Part,
    Partial,
    Value,
    join,
    objects,
)


def evaluate_call(machine: Machine, frame: Frame, node: ast.Call) -> Value:
    """Return the value of a call expression."""
    func = node.func
    if type(func) is ast.Name and func.id == "super" and not node.args:
        return _super(machine, frame)
    callee = evaluate(machine, frame, func)
    args: list[Value] = []
    for item in node.args:
        if type(item) is not ast.Starred:
            args.append(evaluate(machine, frame, item))
            continue
        value = evaluate(machine, frame, item.value)
        if isinstance(value.obj, Fixed):
            args.extend(value.obj.items)
        else:
            args.append(element_of(machine, frame, node, value, 0))
    kwargs: dict[str, Value] = {}
    for keyword in node.keywords:
        value = evaluate(machine, frame, keyword.value)
        if keyword.arg is None:
            spread(machine, value, kwargs)
        else:
            kwargs[keyword.arg] = value
    machine.written_back = {}
    result = call_value(machine, frame, node, callee, args, kwargs)
    if machine.presuming:
        from audits.facts.code.presumption import from_split

        result = from_split(machine, args, kwargs, result)
    if machine.written_back:
        _write_back(machine, frame, node, callee)
    return result


def _write_back(machine: Machine, frame: Frame, node: ast.Call, callee: Value) -> None:
    """Let the caller see what a function wrote through an index into an argument without identity."""
    written, machine.written_back = machine.written_back, {}
    shift = 1 if isinstance(callee.obj, Function) and callee.obj.bound is not None else 0
    for position, item in enumerate(node.args):
        mask = written.get(position + shift)
        if mask and isinstance(item, ast.Name) and item.id in frame.env and frame.env[item.id].obj is None:
            frame.env[item.id] = Value(frame.env[item.id].labels | mask)
            frame.stored[item.id] = frame.env[item.id].labels


def _super(machine: Machine, frame: Frame) -> Value:
    return Value(0, External("super"))


@cache
def _callers() -> tuple[Callable[..., Value], Callable[..., Value], Callable[..., Value]]:
    """Return what calls classes, library functions and methods; all three call back into this file."""
    from audits.facts.code.construction import construct
    from audits.facts.code.library import call_external
    from audits.facts.code.methods import call_method

    return construct, call_external, call_method


def call_value(
    machine: Machine, frame: Frame, node: ast.AST, callee: Value, args: list[Value], kwargs: dict[str, Value]
) -> Value:
    """Call a value, whatever it is."""
    construct, call_external, call_method = _callers()
    obj = callee.obj
    kind = type(obj)
    if kind is Function:
        return call_function(machine, frame, obj, args, kwargs, node)
    if kind is External:
        return call_external(machine, frame, node, obj, args, kwargs)
    if kind is Bound:
        return call_method(machine, frame, node, obj, args, kwargs)
    if kind is Class:
        return construct(machine, frame, node, obj, args, kwargs)
    if kind is Net:
        return call_net(machine, frame, node, callee, obj, "forward", args, kwargs)
    if kind is Part:
        mask = (
            run_hooks(machine, frame, node, obj.net, args)
            | union(machine, args, kwargs)
            | machine.content(obj.net)
            | machine.labels.param(obj.net)
            | callee.labels
        )
        return Value(mask & ~identifiers(machine))
    if kind is Partial:
        return call_value(machine, frame, node, obj.func, [*obj.args, *args], {**obj.kwargs, **kwargs})
    if kind is Gradient:
        return _call_gradient(machine, frame, node, obj, args, kwargs)
    if kind is Instance:
        return _call_instance(machine, frame, node, callee, obj, args, kwargs)
    if obj is not None and kind.__name__ == "Many":
        out: Value | None = None
        for item in obj.items:
            value = call_value(machine, frame, node, Value(callee.labels, item), args, kwargs)
            out = value if out is None else join(out, value)
        return out or NOTHING
    return opaque(machine, frame, node, callee.labels, args, kwargs)


def identifiers(machine: Machine) -> int:
    """Return the labels that only token ids carry: a net's activations are no ids."""
    labels = machine.labels
    fixed = lab.NEXT_INDEX | lab.HASHED | lab.TARGET_HASHED | lab.TARGET
    return fixed | labels.reads | labels.hashed_reads | labels.tallies


def union(machine: Machine, args: list[Value], kwargs: dict[str, Value]) -> int:
    """Return the labels of all arguments."""
    mask = 0
    for value in args:
        mask |= value.labels if value.obj is None else machine.mask(value)
    for value in kwargs.values():
        mask |= value.labels if value.obj is None else machine.mask(value)
    return mask


def opaque(
    machine: Machine, frame: Frame, node: ast.AST, base: int, args: list[Value], kwargs: dict[str, Value]
) -> Value:
    """Return the result of code that is not followed: it may mix and store whatever it was given."""
    mask = base | union(machine, args, kwargs)
    for value in (*args, *kwargs.values()):
        if value.obj is None:
            continue
        for obj in objects(value):
            if isinstance(obj, Function) and obj.node not in machine.active:
                mask |= machine.mask(
                    call_function(machine, frame, obj, [Value(mask)] * parameters(obj), {}, node)
                )
    return Value(mask & ~(lab.NEXT_INDEX | lab.COUNTER))


def call_function(
    machine: Machine,
    frame: Frame,
    function: Function,
    args: list[Value],
    kwargs: dict[str, Value],
    node: ast.AST,
) -> Value:
    """Enter a function of the submission."""
    target = function.node
    if machine.depth >= DEPTH_CAP or machine.active.count(target) > 1:
        return _skip(machine, frame, function, args, kwargs)
    if function.bound is not None:
        net = function.bound.obj
        if isinstance(net, Net) and not can_score(machine, function):
            plain = None if args or kwargs else plain_answer(machine, function)
            if plain is not None:
                return plain
            given = union(machine, args, kwargs) & ~identifiers(machine)
            given |= run_hooks(machine, frame, node, net, args)
            own = machine.content(net) | machine.labels.param(net) | function.bound.labels
            return Value(given | own | (hung(machine, net) if net.hung else 0))
        args = [function.bound, *args]
    if is_idle(machine, function, args, kwargs):
        return _skip(machine, frame, function, args, kwargs)
    key, usable = memo_key(machine, function, args, kwargs)
    key = (id(node), key)
    if usable:
        seen = machine.memo.get(key)
        if seen is not None and seen[0] == machine.version:
            return seen[1]
    env = bind_arguments(machine, function, args, kwargs)
    inner = Frame(function.module, env, function.scopes, function.name)
    effects, decisions = machine.effects, machine.first_pass_decisions
    machine.trace.visited.add(machine.function_key(function))
    machine.active.append(target)
    machine.call_nodes.append(id(node))
    machine.depth += 1
    saved = machine.branch_depth
    net = function.bound.obj if function.bound is not None and isinstance(function.bound.obj, Net) else None
    if net is not None:
        machine.running_nets.append(net)
    try:
        result = run_body(machine, inner, function)
    finally:
        if net is not None:
            machine.running_nets.pop()
        machine.depth -= 1
        machine.active.pop()
        machine.call_nodes.pop()
        machine.branch_depth = saved
    if inner.stored:
        names = [arg.arg for arg in (*function.node.args.posonlyargs, *function.node.args.args)]
        machine.written_back = {
            names.index(name): mask for name, mask in inner.stored.items() if name in names
        }
        usable = usable and not machine.written_back
    else:
        machine.written_back = {}
    if usable and machine.effects == effects and machine.first_pass_decisions == decisions:
        machine.memo[key] = (machine.version, result)
    return result


def run_body(machine: Machine, inner: Frame, function: Function) -> Value:
    """Execute a function's body and return what it returns."""
    target = function.node
    if isinstance(target, ast.Lambda):
        return evaluate(machine, inner, target.body)
    flow = execute(machine, inner, target.body)
    if inner.exits:
        machine.merge_writes(inner.exits, len(inner.exits) + (1 if flow == NORMAL else 0))
    yielded = inner.env.get(" yielded")
    if yielded is not None:
        return yielded
    return inner.result if inner.result is not None else Value(0, None, None)


def can_score(machine: Machine, function: Function) -> bool:
    """Return whether a method of a net does more than map its input: it scores, or changes state."""
    return function.name in machine.scoring.get(function.module.name, ())


def is_idle(machine: Machine, function: Function, args: list[Value], kwargs: dict[str, Value]) -> bool:
    """Return True for a helper that neither acts nor is given anything that has to do with the data."""
    if isinstance(function.node, ast.Lambda) or function.node.name in machine.acting.get(
        function.module.name, ()
    ):
        return False
    own = function.bound.obj if function.bound is not None else None
    if isinstance(own, Instance) or function.scopes and function.owner is None:
        # What its object holds, or what it closes over, is given to it as much as its arguments are.
        return False
    labels = machine.labels
    if any(isinstance(value.obj, Net | Optimiser | Function) for value in (*args, *kwargs.values())):
        return False
    in_records = 0
    for value in (*args, *kwargs.values()):
        in_records |= held(machine, value)
    return not (union(machine, args, kwargs) | in_records) & (
        labels.vals
        | labels.states
        | labels.scores
        | labels.lookups
        | lab.TRAIN
        | lab.PATH_VAL
        | lab.PATH_TRAIN
        | lab.PIECES
    )


def _skip(
    machine: Machine, frame: Frame, function: Function, args: list[Value], kwargs: dict[str, Value]
) -> Value:
    mask = union(machine, args, kwargs)
    if function.bound is not None:
        mask |= machine.mask(function.bound)
    for value in args:
        for obj in objects(value):
            if isinstance(obj, Container) and mask:
                machine.add_content(obj, mask & (machine.labels.vals | machine.labels.tags | lab.TRAIN))
    return Value(mask)


def memo_key(
    machine: Machine, function: Function, args: list[Value], kwargs: dict[str, Value]
) -> tuple[Any, bool]:
    """Return a key under which a call without effects can be remembered."""
    parts: list[Any] = [id(function.node), id(function.scopes[0]) if function.scopes else 0]
    for value in (*args, *kwargs.values()):
        const = value.const
        if const is not UNKNOWN and not isinstance(const, int | float | str | bool | bytes | None):
            return None, False
        obj = value.obj
        if obj is not None and isinstance(obj, Fixed | Container | Function):
            return None, False
        identity = (
            (id(obj.net), obj.path)
            if isinstance(obj, Part)
            else id(obj)
            if isinstance(obj, HeapObject)
            else (obj.path if isinstance(obj, External) else id(obj))
        )
        parts.append(
            (
                machine.mask(value),
                identity if obj is not None else 0,
                type(const),
                None if const is UNKNOWN else const,
            )
        )
    parts.append(tuple(kwargs))
    return tuple(parts), True


def call_net(
    machine: Machine,
    frame: Frame,
    node: ast.AST,
    callee: Value,
    net: Net,
    name: str,
    args: list[Value],
    kwargs: dict[str, Value],
) -> Value:
    """Run a neural module: its `forward` where the submission wrote one, an opaque map otherwise."""
    hooked = run_hooks(machine, frame, node, net, args)
    own = hooked | machine.content(net) | machine.labels.param(net) | callee.labels
    if net.hung:
        own |= hung(machine, net)
    method = net.cls.find(name) if net.cls is not None else None
    if method is None and net.cls is not None:
        method = net.cls.find("__call__")
    if method is not None and isinstance(method.obj, Function) and can_score(machine, method.obj):
        bound = get_attribute(machine, frame, callee, method.obj.name)
        out = call_value(machine, frame, node, bound, args, kwargs)
        return out if out.obj is not None else Value(out.labels | own, None, out.const)
    return Value(own | union(machine, args, kwargs) & ~identifiers(machine))


def run_hooks(machine: Machine, frame: Frame, node: ast.AST, net: Net, args: list[Value]) -> int:
    """Call the forward hooks of a net with what it is given; return what they add to its output."""
    added = 0
    for hook in net.hooks:
        if isinstance(hook.obj, Function) and hook.obj.node in machine.active:
            continue
        seen = Value(union(machine, args, {}) & ~identifiers(machine) | machine.labels.param(net))
        given = [Value(0, Part(net)), Value(0, Fixed([seen])), seen]
        added |= machine.mask(call_value(machine, frame, node, hook, given, {}))
    return added


def _call_gradient(
    machine: Machine,
    frame: Frame,
    node: ast.AST,
    gradient: Gradient,
    args: list[Value],
    kwargs: dict[str, Value],
) -> Value:
    loss = call_value(machine, frame, node, gradient.func, args, kwargs)
    mask = machine.mask(loss)

    backward(machine, mask)
    gradients = Value(mask)
    return Value(0, Fixed([loss, gradients])) if gradient.with_value else gradients


def _call_instance(
    machine: Machine,
    frame: Frame,
    node: ast.AST,
    callee: Value,
    obj: Instance,
    args: list[Value],
    kwargs: dict[str, Value],
) -> Value:
    method = obj.cls.find("__call__") if obj.cls is not None else None
    if method is not None and isinstance(method.obj, Function):
        bound = get_attribute(machine, frame, callee, "__call__")
        return call_value(machine, frame, node, bound, args, kwargs)
    return opaque(machine, frame, node, callee.labels | machine.content(obj), args, kwargs)


EXPRESSIONS[ast.Call] = evaluate_call
