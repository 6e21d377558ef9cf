"""Python's own functions."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from audits.facts.code import labels as lab
from audits.facts.code.attributes import get_attribute
from audits.facts.code.calls import call_value, opaque, union
from audits.facts.code.choices import best_of
from audits.facts.code.containers import add_element, copy_entries, make_list, put_key
from audits.facts.code.decisions import known, truth
from audits.facts.code.iteration import element_of
from audits.facts.code.machine import Machine
from audits.facts.code.memory import Frame
from audits.facts.code.switches import may_lack
from audits.facts.code.tensors import hash_operation
from audits.facts.code.values import (
    NONE,
    NOTHING,
    UNKNOWN,
    Args,
    Bound,
    Buffer,
    Class,
    Container,
    External,
    Fixed,
    Instance,
    Kwargs,
    Net,
    Part,
    Value,
    objects,
)


def length(
    machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs
) -> Value:
    """`len`: a number that does not carry the tokens."""
    if args and isinstance(args[0].obj, Fixed):
        return Value(0, None, len(args[0].obj.items))
    if args and isinstance(args[0].const, str):
        return Value(0, None, len(args[0].const))
    mask = union(machine, args, kwargs)
    return Value(mask & (machine.labels.tags | lab.PIECES))


def call_builtin(
    machine: Machine, frame: Frame, node: ast.AST, name: str, args: Args, kwargs: Kwargs
) -> Value:
    """Python's own functions."""
    first = args[0] if args else NOTHING
    if (
        name in _SCALARS
        and len(args) == 1
        and known(first)
        and isinstance(first.const, str | int | float | bool)
    ):
        try:
            return Value(first.labels, None, _SCALARS[name](first.const))
        except (ValueError, OverflowError, TypeError):
            return Value(first.labels)
    if name == "bool" and args:
        verdict = truth(first)
        return Value(first.labels, None, UNKNOWN if verdict is None else verdict)
    if name == "range":
        start = args[0].const if len(args) > 1 else 0
        if len(args) == 1 and args[0].const == 0:
            return Value(0, Fixed([]))
        if len(args) == 3 and isinstance(args[2].const, int) and args[2].const < 0:
            start = UNKNOWN
        mask = _bounds(machine, args) & ~lab.NEXT_INDEX
        shape = ("range", start, 1) if _holds_one(args) else ("range", start)
        return Value(mask & ~machine.labels.vals, None, shape)
    if name == "sorted" and (ordered := best_of(machine, frame, node, args, kwargs, every=True)) is not None:
        return ordered
    if name in ("list", "tuple", "sorted", "reversed", "set", "frozenset", "iter", "deque"):
        return copy_sequence(machine, first) if args else make_list(machine, [])
    if name == "dict":
        return make_dict(machine, frame, node, args, kwargs)
    if name == "enumerate" and args:
        return Value(0, Fixed([Value(0, None, ("range", 0)), first]), ("zip",))
    if name == "zip":
        return Value(0, Fixed(list(args)), ("zip",))
    if name == "next" and args:
        tag = machine.loops[-1].tag if machine.loops else 0
        machine.effects += 1
        return element_of(machine, frame, node, first, tag, 2)
    if name in ("getattr", "setattr", "hasattr"):
        return attribute_call(machine, frame, name, args)
    if name == "isinstance":
        return NOTHING
    if name in ("__import__",):
        return Value(0, External(str(first.const)))
    if name == "vars" and args:
        return first
    if name == "map" and len(args) >= 2:
        items = [element_of(machine, frame, node, value, 0) for value in args[1:]]
        return make_list(machine, [call_value(machine, frame, node, first, items, {})])
    if name == "pow" and len(args) == 3:
        return hash_operation(machine, frame, node, External("pow"), args, kwargs)
    if name[:1].isupper() and name.endswith(("Error", "Exception")):
        return NOTHING
    return opaque(machine, frame, node, 0, args, kwargs)


def _bounds(machine: Machine, args: Args) -> int:
    """Return the labels of a range: a length that grew over the passes belongs to the last of them (#958)."""
    if len(args) == 1:
        return machine.labels.latest(machine.mask(args[0]))
    return union(machine, args, {})


_SCALARS: dict[str, Callable[[Any], Any]] = {
    "int": int,
    "float": float,
    "str": str,
    "abs": lambda x: abs(x),
    "round": lambda x: round(x),
}


def make_dict(machine: Machine, frame: Frame, node: ast.AST, args: Args, kwargs: Kwargs) -> Value:
    """`dict(...)` of keywords, of another dictionary or of pairs: its values keep who they are (#294)."""
    box = machine.track(Container(is_dict=True))
    machine.add_content(box, union(machine, args, kwargs))
    for value in args:
        if isinstance(value.obj, Container) and value.obj.is_dict:
            copy_entries(machine, value.obj, box)
            continue
        loop = machine.labels.tag(machine.labels.new_loop(), 1)
        pair = element_of(machine, frame, node, value, loop).obj
        if isinstance(pair, Fixed) and len(pair.items) == 2 and pair.items[1].obj is not None:
            add_element(machine, box, pair.items[1])
    for key, value in kwargs.items():
        put_key(machine, box, key, value)
    return Value(0, box)


def copy_sequence(machine: Machine, value: Value) -> Value:
    """Return a list of the same elements."""
    if isinstance(value.obj, Fixed) and value.const == ("zip",) or type(value.const) is tuple:
        loop = machine.labels.tag(machine.labels.new_loop(), 1)
        item = element_of(machine, Frame.__new__(Frame), ast.Pass(), value, loop)
        return make_list(machine, [Value(item.labels, item.obj)])
    if isinstance(value.obj, Container | Fixed | Part | Instance):
        return value
    return Value(machine.mask(value))


def attribute_call(machine: Machine, frame: Frame, name: str, args: Args) -> Value:
    """`getattr`, `setattr` and `hasattr` with a constant name."""
    if len(args) < 2 or not isinstance(args[1].const, str):
        return Value(union(machine, args, {}))
    if name == "hasattr":
        return NOTHING

    if name == "getattr":
        if len(args) > 2 and isinstance(args[0].obj, Net) and may_lack(machine, args[0].obj, args[1].const):
            return args[2]
        found = get_attribute(machine, frame, args[0], args[1].const)
        if isinstance(found.obj, Bound) and not isinstance(args[0].obj, Buffer) and len(args) > 2:
            return args[2] if isinstance(args[0].obj, Instance | Class) else Value(args[2].labels)
        return found
    for obj in objects(args[0]):
        if isinstance(obj, Instance | Net) and len(args) > 2:
            machine.put((id(obj), args[1].const), args[2])
        elif isinstance(obj, Class) and len(args) > 2:
            obj.attrs[args[1].const] = args[2]
    return NONE


def _holds_one(args: Args) -> bool:
    """Return whether a range is known to hold a single number: one epoch is no second pass."""
    ends = [value.const for value in args if type(value.const) is int]
    return len(ends) == len(args) and (ends == [1] or len(ends) == 2 and ends[1] - ends[0] == 1)
