"""Data that changes hands: between processes, and with code of a library that was loaded as a binary.

Promises that what is handed over keeps its labels. What native code does with it is not known: only where it
is given losses is its result taken for a score made of them.
"""

from __future__ import annotations

import ast

from audits.facts.code import labels as lab
from audits.facts.code.calls import union
from audits.facts.code.containers import add_element
from audits.facts.code.machine import Machine
from audits.facts.code.memory import Frame
from audits.facts.code.values import (
    NONE,
    Args,
    Buffer,
    Container,
    External,
    Kwargs,
    Value,
    objects,
)

LOADED = "ctypes.loaded"
"""Path of a library that `ctypes` loaded."""


def collect(
    machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs
) -> Value:
    """`all_gather(into, data)` and `gather(data, into)`, with their kin for objects and whole tensors."""
    first = args[0] if args else None
    second = args[1] if len(args) > 1 else next(iter(kwargs.values()), None)
    if first is None or second is None:
        return NONE
    into, data = (first, second) if func.last.startswith("all_") else (second, first)
    for obj in objects(into):
        if isinstance(obj, Container):
            add_element(machine, obj, Value(machine.mask(data)))
        elif isinstance(obj, Buffer):
            machine.add_content(obj, machine.mask(data))
    return NONE


def load_library(
    machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs
) -> Value:
    """`ctypes.CDLL`: whatever is called on it is native code."""
    return Value(0, External(LOADED))


def call_native(
    machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs
) -> Value:
    """A function of a loaded library: it may write a score into every array that it is given.

    Losses together with tokens and the bytes of their pieces leave one thing to do: a byte model (#1850).
    """
    mask = union(machine, args, kwargs)
    labels = machine.labels
    if not mask & labels.scores:
        return Value(mask & ~lab.NEXT_INDEX)
    if mask & lab.PIECES and mask & lab.TARGET:
        machine.mark(frame, node, lab.BYTE_MIXED)
        mask |= lab.BYTE_MIXED
    for value in (*args, *kwargs.values()):
        for obj in objects(value):
            if isinstance(obj, Buffer):
                machine.add_content(obj, mask)
    return Value(mask & ~lab.NEXT_INDEX)
