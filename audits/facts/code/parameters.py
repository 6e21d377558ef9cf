"""How arguments meet parameters: what a caller spreads, and what a function starts with."""

from __future__ import annotations

from audits.facts.code.containers import put_key
from audits.facts.code.machine import Machine
from audits.facts.code.values import NOTHING, Container, Fixed, Function, Value, objects


def spread(machine: Machine, value: Value, kwargs: dict[str, Value]) -> None:
    """Put the known keys of a dictionary into keyword arguments."""
    for obj in objects(value):
        if isinstance(obj, Container):
            for key, stored in list(machine.heap.items()):
                if (
                    type(key) is tuple
                    and key[0] == id(obj)
                    and type(key[1]) is tuple
                    and isinstance(stored, Value)
                ):
                    kwargs.setdefault(str(key[1][1]), stored)


def parameters(function: Function) -> int:
    """Return how many positional parameters a caller has to give."""
    arguments = function.node.args
    return max(
        0,
        len(arguments.posonlyargs)
        + len(arguments.args)
        - len(arguments.defaults)
        - (1 if function.bound is not None else 0),
    )


def bind_arguments(
    machine: Machine, function: Function, args: list[Value], kwargs: dict[str, Value]
) -> dict[str, Value]:
    """Return the names a function starts with."""
    arguments = function.node.args
    env: dict[str, Value] = {}
    names = [arg.arg for arg in (*arguments.posonlyargs, *arguments.args)]
    for name, value in zip(names, args, strict=False):
        env[name] = value
    extra = args[len(names) :]
    if arguments.vararg is not None:
        env[arguments.vararg.arg] = Value(0, Fixed(list(extra)))
    keyword_only = [arg.arg for arg in arguments.kwonlyargs]
    spare: dict[str, Value] = {}
    for name, value in kwargs.items():
        if name in names or name in keyword_only:
            env[name] = value
        else:
            spare[name] = value
    if arguments.kwarg is not None:
        box = machine.track(Container(is_dict=True))
        for name, value in spare.items():
            put_key(machine, box, name, value)
        env[arguments.kwarg.arg] = Value(0, box)
    for name in (*names, *keyword_only):
        if name not in env:
            env[name] = function.defaults.get(name, NOTHING)
    return env
