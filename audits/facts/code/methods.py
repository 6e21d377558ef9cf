"""Methods of library values: tensors, optimisers, containers, files, modules."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from audits.facts.code import labels as lab
from audits.facts.code import tensors
from audits.facts.code.calls import call_value, opaque, union
from audits.facts.code.choices import sort_by_score
from audits.facts.code.container_methods import (
    append,
    dump_file,
    get_item,
    glob_path,
    open_path,
    read_file,
    same_path,
    view_dict,
    write_file,
)
from audits.facts.code.containers import heap_object
from audits.facts.code.decisions import known
from audits.facts.code.in_place import ARITHMETIC, arithmetic, in_place
from audits.facts.code.machine import Machine
from audits.facts.code.memory import Frame
from audits.facts.code.net_methods import (
    add_hook,
    backward_of,
    forward_of,
    load_state,
    parameters_of,
    remove_hook,
    step_of,
    update_of,
    zero_grad,
)
from audits.facts.code.options import add_argument, parse_arguments
from audits.facts.code.values import (
    UNKNOWN,
    Args,
    Bound,
    Buffer,
    External,
    Fixed,
    Function,
    Kwargs,
    Net,
    Part,
    Value,
)

_SAME_OBJECT = frozenset(
    (
        "to",
        "cuda",
        "cpu",
        "float",
        "double",
        "half",
        "bfloat16",
        "contiguous",
        "view",
        "reshape",
        "flatten",
        "train",
        "eval",
        "requires_grad_",
        "detach",
        "numpy",
        "astype",
        "unsqueeze",
        "squeeze",
        "expand",
        "pin_memory",
        "share_memory_",
        "long",
        "int",
        "type",
        "ravel",
        "permute",
        "transpose",
        "t",
        "apply",
        "register_buffer",
        "detach_",
        "resolve",
        "absolute",
        "expanduser",
        "set_",
        "compile",
        "with_suffix",
        "data_ptr",
        "data_as",
    )
)
_STARTERS = frozenset(("remote", "local", "spawn"))
"""How a function is called that a framework runs elsewhere."""
_STRING: dict[str, Callable[[str], str]] = {
    "lower": str.lower,
    "upper": str.upper,
    "strip": str.strip,
    "lstrip": str.lstrip,
    "rstrip": str.rstrip,
}


def call_method(
    machine: Machine, frame: Frame, node: ast.AST, bound: Bound, args: Args, kwargs: Kwargs
) -> Value:
    """Call a library method of a value."""
    receiver, name = bound.receiver, bound.name
    handler = METHODS.get(name)
    if handler is not None:
        out: Value | None = handler(machine, frame, node, receiver, name, args, kwargs)
        if out is not None:
            return out
    if name in _STARTERS and isinstance(receiver.obj, Function):
        return call_value(machine, frame, node, receiver, args, kwargs)
    if known(receiver) and isinstance(receiver.const, str):
        return string_method(machine, receiver, name, args)
    if name in ARITHMETIC:
        return arithmetic(machine, frame, node, receiver, name, args, kwargs)
    if name in _SAME_OBJECT:
        if (
            name == "requires_grad_"
            and not (args and args[0].const is False)
            and (isinstance(heap_object(receiver), Buffer) or is_copy(machine, receiver))
        ):
            return tensors.trainable(machine, receiver)
        if isinstance(receiver.obj, Fixed):
            return Value(machine.mask(receiver))
        return Value(receiver.labels, receiver.obj, UNKNOWN)
    if name.endswith("_") and not name.startswith("_"):
        return in_place(machine, frame, node, receiver, name, args, kwargs)
    if name in ("item", "tolist", "cumsum"):
        return Value(machine.mask(receiver) & ~machine.labels.tallies)
    if name in ("log", "log2", "exp", "sum", "mean", "clamp", "clone", "copy"):
        return Value(machine.mask(receiver))
    if name[:1] == "_" and isinstance(receiver.obj, Net | Part):
        return Value(machine.mask(receiver) | union(machine, args, kwargs))
    return opaque(machine, frame, node, machine.mask(receiver), args, kwargs)


def is_copy(machine: Machine, value: Value) -> bool:
    """Return whether a plain value is a copy of weights: made trainable, it is a thing of its own (#1320)."""
    return value.obj is None and bool(value.labels & machine.labels.params)


def string_method(machine: Machine, receiver: Value, name: str, args: Args) -> Value:
    """Compute methods of constant strings."""
    text = receiver.const
    plain = [value.const for value in args]
    if name in _STRING and not args:
        return Value(receiver.labels, None, _STRING[name](str(text)))
    if all(isinstance(item, str) for item in plain):
        if name in ("startswith", "endswith") and len(plain) == 1:
            return Value(receiver.labels, None, getattr(text, name)(plain[0]))
        if name == "replace" and len(plain) == 2 and len(text) < 4096 and len(plain[1]) < 256:
            return Value(receiver.labels, None, text.replace(*plain)[:8192])
        if name == "split" and len(plain) <= 1 and len(text) < 4096:
            parts = text.split(*plain)
            if len(parts) <= 64:
                return Value(receiver.labels, Fixed([Value(receiver.labels, None, part) for part in parts]))
    if name == "format":
        return Value(receiver.labels)
    mask = receiver.labels
    for value in args:
        mask |= machine.mask(value)
    return Value(mask)


def _gather(
    machine: Machine, frame: Frame, node: ast.AST, receiver: Value, name: str, args: Args, kwargs: Kwargs
) -> Value | None:
    return tensors.gather_from(machine, frame, node, receiver, union(machine, args, kwargs))


def _narrow(
    machine: Machine, frame: Frame, node: ast.AST, receiver: Value, name: str, args: Args, kwargs: Kwargs
) -> Value | None:
    return tensors.narrow_from(machine, receiver, union(machine, args, kwargs), node)


def _scatter(
    machine: Machine, frame: Frame, node: ast.AST, receiver: Value, name: str, args: Args, kwargs: Kwargs
) -> Value | None:
    constant = name == "scatter_" and args and known(args[-1])
    tensors.scatter(machine, frame, node, receiver, union(machine, args, kwargs), constant=bool(constant))
    return receiver


def _positions(
    machine: Machine, frame: Frame, node: ast.AST, receiver: Value, name: str, args: Args, kwargs: Kwargs
) -> Value | None:
    """Methods that tell a size or where something is true: numbers, not tokens."""
    mask = machine.mask(receiver)
    if name in ("nonzero", "argmax", "argmin", "argsort") and mask & machine.labels.params:
        return Value(mask)
    return Value(mask & (machine.labels.tags | lab.TRAIN | lab.SCORE_COMPARED))


def _extreme(
    machine: Machine, frame: Frame, node: ast.AST, receiver: Value, name: str, args: Args, kwargs: Kwargs
) -> Value | None:
    if machine.mask(receiver) & lab.STACKED and not tensors.guards_overflow(machine, node):
        machine.mark(frame, node, lab.ORACLE)
        return Value(machine.mask(receiver) & ~lab.STACKED | lab.ORACLE)
    if name in ("min", "max") and not (args and args[0].labels & machine.labels.scores):
        return Value(machine.mask(receiver) | union(machine, args, kwargs))
    return tensors.extreme(machine, frame, node, External(name), [receiver, *args], kwargs)


def _softmax(
    machine: Machine, frame: Frame, node: ast.AST, receiver: Value, name: str, args: Args, kwargs: Kwargs
) -> Value | None:
    return Value(machine.mask(receiver) | lab.DISTRIBUTION)


def _logsumexp(
    machine: Machine, frame: Frame, node: ast.AST, receiver: Value, name: str, args: Args, kwargs: Kwargs
) -> Value | None:
    return tensors.mixture(machine, frame, node, External(name), [receiver], kwargs)


def _where(
    machine: Machine, frame: Frame, node: ast.AST, receiver: Value, name: str, args: Args, kwargs: Kwargs
) -> Value | None:
    return tensors.where(
        machine, frame, node, External(name), [args[0], receiver, *args[1:]] if args else [receiver], kwargs
    )


def _pieces(
    machine: Machine, frame: Frame, node: ast.AST, receiver: Value, name: str, args: Args, kwargs: Kwargs
) -> Value | None:
    return Value(machine.mask(receiver) | union(machine, args, kwargs) | lab.PIECES)


def _arguments(
    machine: Machine, frame: Frame, node: ast.AST, receiver: Value, name: str, args: Args, kwargs: Kwargs
) -> Value | None:
    """`add_argument` and `parse_args`: options with their defaults, overlaid by the run command."""
    if name == "add_argument":
        return add_argument(machine, frame, node, receiver, args, kwargs)
    return parse_arguments(machine, frame, node, receiver)


Method = Callable[[Machine, Frame, ast.AST, Value, str, Args, Kwargs], Any]
METHODS: dict[str, Method] = {
    "backward": backward_of,
    "step": step_of,
    "zero_grad": zero_grad,
    "update": update_of,
    "load_state_dict": load_state,
    "load_weights": load_state,
    "sort": sort_by_score,
    "append": append,
    "extend": append,
    "add": append,
    "insert": append,
    "get": get_item,
    "pop": get_item,
    "setdefault": get_item,
    "popleft": get_item,
    "items": view_dict,
    "values": view_dict,
    "keys": view_dict,
    "parameters": parameters_of,
    "named_parameters": parameters_of,
    "state_dict": parameters_of,
    "modules": parameters_of,
    "named_modules": parameters_of,
    "children": parameters_of,
    "named_children": parameters_of,
    "buffers": parameters_of,
    "named_buffers": parameters_of,
    "trainable_parameters": parameters_of,
    "register_forward_hook": add_hook,
    "register_forward_pre_hook": add_hook,
    "remove": remove_hook,
    "read": read_file,
    "read_bytes": read_file,
    "read_text": read_file,
    "readlines": read_file,
    "getvalue": read_file,
    "write": write_file,
    "write_bytes": write_file,
    "write_text": write_file,
    "open": open_path,
    "glob": glob_path,
    "rglob": glob_path,
    "tofile": dump_file,
    "gather": _gather,
    "narrow": _narrow,
    "take_along_dim": _gather,
    "scatter_add_": _scatter,
    "index_add_": _scatter,
    "scatter_": _scatter,
    "index_put_": _scatter,
    "put_": _scatter,
    "scatter_reduce_": _scatter,
    "numel": _positions,
    "size": _positions,
    "dim": _positions,
    "nonzero": _positions,
    "argmax": _positions,
    "any": _positions,
    "all": _positions,
    "argsort": _positions,
    "__len__": _positions,
    "minimum": _extreme,
    "min": _extreme,
    "max": _extreme,
    "amin": _extreme,
    "amax": _extreme,
    "maximum": _extreme,
    "softmax": _softmax,
    "log_softmax": _softmax,
    "logsumexp": _logsumexp,
    "forward": forward_of,
    "__call__": forward_of,
    "where": _where,
    "joinpath": same_path,
    "id_to_piece": _pieces,
    "IdToPiece": _pieces,
    "add_argument": _arguments,
    "parse_args": _arguments,
    "parse_known_args": _arguments,
}
