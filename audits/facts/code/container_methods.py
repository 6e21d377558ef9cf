"""Methods of containers, files and paths."""

from __future__ import annotations

import ast

from audits.facts.code import files
from audits.facts.code.calls import union
from audits.facts.code.containers import add_element
from audits.facts.code.expressions import evaluate, path_labels
from audits.facts.code.iteration import element_of
from audits.facts.code.machine import Machine
from audits.facts.code.memory import Frame
from audits.facts.code.subscripts import Index, load_container
from audits.facts.code.values import (
    NONE,
    NOTHING,
    Args,
    Buffer,
    Class,
    Container,
    External,
    File,
    Instance,
    Kwargs,
    Net,
    Part,
    Value,
    objects,
)


def append(
    machine: Machine, frame: Frame, node: ast.AST, receiver: Value, name: str, args: Args, kwargs: Kwargs
) -> Value | None:
    """Put an element into a container: `append`, `extend`, `add`, `insert`."""
    value = args[-1] if args else NOTHING
    for obj in objects(receiver):
        if isinstance(obj, Container):
            if name == "extend":
                value = element_of(machine, frame, node, value, 0)
            add_element(machine, obj, value)
        elif isinstance(obj, Buffer):
            machine.add_content(obj, machine.mask(value))
        elif isinstance(obj, Net | Part):
            return NONE
        elif isinstance(obj, Instance):
            return None
    if receiver.obj is None and isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        target = node.func.value
        if isinstance(target, ast.Name) and target.id in frame.env:
            frame.env[target.id] = Value(receiver.labels | machine.mask(value))
    return NONE


def get_item(
    machine: Machine, frame: Frame, node: ast.AST, receiver: Value, name: str, args: Args, kwargs: Kwargs
) -> Value | None:
    """`dict.get`, `dict.pop`, `dict.setdefault`, `queue.get`."""
    for obj in objects(receiver):
        if isinstance(obj, Container):
            key = args[0] if args else None
            index = Index(machine.mask(key) if key is not None else 0, False, 0, key, False)
            value = load_container(machine, frame, node, receiver, obj, index)
            if name == "get" and value.obj is obj and len(args) < 2:
                # Nothing is known to be stored yet, so the answer may as well be None.
                return Value(value.labels)
            if len(args) > 1:
                extra = args[1]
                if name == "setdefault" and extra.obj is not None and value.obj is obj:
                    add_element(machine, obj, extra)
                return Value(
                    value.labels | machine.mask(extra), value.obj if value.obj is not None else extra.obj
                )
            return value
    if isinstance(receiver.obj, External):
        return None
    mask = machine.mask(receiver)
    if args:
        mask |= machine.counted_under(machine.mask(args[0]), mask)
    return Value(mask | union(machine, args, kwargs) | machine.moving())


def view_dict(
    machine: Machine, frame: Frame, node: ast.AST, receiver: Value, name: str, args: Args, kwargs: Kwargs
) -> Value | None:
    """`items`, `values` and `keys`."""
    obj = receiver.obj
    if isinstance(obj, Container):
        return Value(receiver.labels, obj, (name,))
    if isinstance(obj, Class):
        # `vars(Options).items()`: its attributes by name.
        return Value(receiver.labels, obj, (name,))
    if isinstance(obj, Net | Part):
        net = obj if isinstance(obj, Net) else obj.net
        return Value(receiver.labels, Part(net))
    return Value(machine.mask(receiver))


def read_file(
    machine: Machine, frame: Frame, node: ast.AST, receiver: Value, name: str, args: Args, kwargs: Kwargs
) -> Value | None:
    """Read an open file, a path or an in-memory buffer."""
    if isinstance(receiver.obj, File):
        return Value(files.read_mask(machine, receiver.labels, receiver))
    if isinstance(receiver.obj, Buffer):
        return Value(machine.mask(receiver))
    return None


def write_file(
    machine: Machine, frame: Frame, node: ast.AST, receiver: Value, name: str, args: Args, kwargs: Kwargs
) -> Value | None:
    """Write to an open file, a path or an in-memory buffer."""
    if isinstance(receiver.obj, File) and args:
        files.write_data(machine, machine.mask(args[0]), receiver, text=name == "write_text")
    elif isinstance(receiver.obj, Buffer):
        machine.add_content(receiver.obj, union(machine, args, kwargs))
    return NONE


def dump_file(
    machine: Machine, frame: Frame, node: ast.AST, receiver: Value, name: str, args: Args, kwargs: Kwargs
) -> Value | None:
    """`array.tofile`."""
    if args and not isinstance(receiver.obj, External):
        files.dump(machine, machine.mask(receiver), args[0])
    return NONE


def open_path(
    machine: Machine, frame: Frame, node: ast.AST, receiver: Value, name: str, args: Args, kwargs: Kwargs
) -> Value | None:
    """`Path.open`."""
    if not isinstance(receiver.obj, File):
        return None
    text = files.writes_text([receiver, *args], kwargs)
    return Value(receiver.labels, files.reopened(machine, receiver.obj, text), receiver.const)


def glob_path(
    machine: Machine, frame: Frame, node: ast.AST, receiver: Value, name: str, args: Args, kwargs: Kwargs
) -> Value | None:
    """`Path.glob`: paths that match a pattern."""
    return Value(
        receiver.labels
        | union(machine, args, kwargs)
        | (
            path_labels(receiver.obj.path)
            if isinstance(receiver.obj, File) and isinstance(receiver.obj.path, str)
            else 0
        )
    )


def same_path(
    machine: Machine, frame: Frame, node: ast.AST, receiver: Value, name: str, args: Args, kwargs: Kwargs
) -> Value | None:
    """`Path.joinpath` and the like."""
    return receiver if isinstance(receiver.obj, File) else None


def into_container(machine: Machine, frame: Frame, node: ast.AST, receiver: Value, mask: int) -> None:
    """Let `box[key].add_(x)` reach the box where its element has no identity of its own."""
    if receiver.obj is not None or not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return
    target = node.func.value
    while isinstance(target, ast.Call) and isinstance(target.func, ast.Attribute):
        target = target.func.value
    if isinstance(target, ast.Subscript):
        box = evaluate(machine, frame, target.value).obj
        if isinstance(box, Container):
            machine.add_content(
                box, mask & (machine.labels.vals | machine.labels.states | machine.labels.params)
            )
