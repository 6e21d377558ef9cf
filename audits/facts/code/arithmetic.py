"""Binary operations: constants are folded, hashes are recognised, scores become bits per byte."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable
from typing import Any

from audits.facts.code import labels as lab
from audits.facts.code.machine import Machine
from audits.facts.code.memory import Frame
from audits.facts.code.values import UNKNOWN, External, File, Fixed, Later, Value

_BINARY: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.BitXor: operator.xor,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
}


_NUMBERS = (int, float)


_SIMPLE = (int, float, str, bool, bytes)


_SCALING = (ast.Mult, ast.Add, ast.Sub)
"""By these a probability or its logarithm makes room for another in a mixture."""


LN2, LOG2E = math.log(2), 1 / math.log(2)


def is_ln2(value: Value) -> bool:
    """Return True for ln 2 and its reciprocal, which only the bits-per-byte formula needs."""
    const = value.const
    return type(const) is float and (abs(const - LN2) < 1e-4 or abs(const - LOG2E) < 1e-4)


def combine(
    machine: Machine, frame: Frame, node: ast.AST, op: ast.operator, left: Value, right: Value
) -> Value:
    """Return the value of a binary operation with what it means for scores, keys and positions."""
    kind = type(op)
    lconst, rconst = left.const, right.const
    if lconst is not UNKNOWN and rconst is not UNKNOWN:
        if isinstance(lconst, _SIMPLE) and isinstance(rconst, _SIMPLE):
            return Value(
                moved(kind, left, right, left.labels | right.labels), None, fold(kind, lconst, rconst)
            )
        if type(lconst) is Later and type(rconst) is int and rconst >= 0:
            if kind is ast.Add:
                return Value(moved(kind, left, right, left.labels), None, Later(lconst.start + rconst))
            if kind is ast.Sub and rconst >= 1:
                return previous_pass(machine, left)
    if kind is ast.Div and isinstance(left.obj, File | External):
        return Value(left.labels | right.labels, slash(left, right))
    if kind is ast.Add and isinstance(left.obj, Fixed) and isinstance(right.obj, Fixed):
        return Value(0, Fixed(left.obj.items + right.obj.items))
    if kind is ast.Sub and type(rconst) is int and rconst >= 1 and is_counter(machine, left):
        return previous_pass(machine, left)
    lmask, rmask = machine.mask(left), machine.mask(right)
    return Value(operate(machine, frame, node, kind, left, right, lmask, rmask))


def moved(kind: type, left: Value, right: Value, mask: int) -> int:
    """Return the labels of a sum or product of a counter: one to the right it is still a position."""
    if not mask & lab.COUNTER:
        return mask
    if kind is ast.Add and (is_one(left) or is_one(right)):
        return mask | lab.NEXT_INDEX
    return mask if kind is ast.Sub and is_one(right) else mask & ~lab.COUNTER


def is_one(value: Value) -> bool:
    """Return whether a value is the integer 1."""
    return type(value.const) is int and value.const == 1


def next_position(machine: Machine, mask: int) -> int:
    """Return the labels of a counter plus one: it reads after what the bare counter reads in this pass."""
    for loop in reversed(machine.loops):
        if loop.tag & mask:
            number, step = machine.labels.tag_info[loop.tag.bit_length() - 1]
            machine.effects += 1
            return mask & ~loop.tag | machine.labels.tag(number, step + 0.5)
    return mask


def is_counter(machine: Machine, value: Value) -> bool:
    """Return True for a bare loop counter of an open loop."""
    return (
        value.obj is None
        and type(value.const) is int
        and bool(value.labels)
        and any(loop.tag & value.labels for loop in machine.loops)
    )


def previous_pass(machine: Machine, value: Value) -> Value:
    """Return a loop counter less one: what it indexes belongs to the pass before."""
    for loop in reversed(machine.loops):
        if loop.tag & value.labels:
            number, step = machine.labels.tag_info[loop.tag.bit_length() - 1]
            return Value(value.labels & ~loop.tag | machine.labels.tag(number, step - 0.5))
    return Value(value.labels)


def before_position(machine: Machine, mask: int) -> int:
    """Return the labels of what lies before a counter: nothing of this pass."""
    for loop in reversed(machine.loops):
        if loop.tag & mask:
            number, step = machine.labels.tag_info[loop.tag.bit_length() - 1]
            machine.effects += 1
            return mask & ~loop.tag | machine.labels.tag(number, step - 0.5)
    return mask


def slash(left: Value, right: Value) -> File:
    """Return the path `left / right`."""
    text = right.const if type(right.const) is str else "*"
    prefix = left.obj.path if isinstance(left.obj, File) and isinstance(left.obj.path, str) else ""
    return File(f"{prefix}/{text}")


def fold(kind: type, left: Any, right: Any) -> Any:
    """Compute a constant operation where that is safe and small."""
    function = _BINARY.get(kind)
    if kind is ast.Pow and isinstance(left, _NUMBERS) and isinstance(right, _NUMBERS) and abs(right) < 64:
        function = operator.pow
    if kind is ast.Mod and isinstance(left, str | bytes):
        return UNKNOWN
    if kind is ast.LShift and isinstance(left, int) and isinstance(right, int) and 0 <= right < 128:
        function = operator.lshift
    if function is None or (
        kind is ast.Mult and not (isinstance(left, _NUMBERS) and isinstance(right, _NUMBERS))
    ):
        return UNKNOWN
    try:
        out = function(left, right)
    except Exception:
        return UNKNOWN
    if isinstance(out, str | bytes) and len(out) > 4096 or isinstance(out, int) and abs(out) > 1 << 200:
        return UNKNOWN
    return UNKNOWN if isinstance(out, complex) else out


def operate(
    machine: Machine,
    frame: Frame,
    node: ast.AST,
    kind: type,
    left: Value,
    right: Value,
    lmask: int,
    rmask: int,
) -> int:
    """Return the labels of a binary operation on non-constants."""
    labels = machine.labels
    # A number computed from a switch is no longer its value.
    mask = moved(kind, left, right, (lmask | rmask) & ~labels.knobs)
    scored = mask & labels.scores
    in_bits = kind is ast.Div and is_ln2(right) or kind is ast.Mult and (is_ln2(left) or is_ln2(right))
    if in_bits and (scored or machine.presuming):
        mask = machine.presumed(frame, node, mask)
        if mask & labels.scores:
            machine.report(frame, node, mask)
        return mask
    if machine.gated and scored and kind in _SCALING and not mask & labels.table_states:
        machine.scaled = True
    if scored and (lmask & labels.states) != (rmask & labels.states):
        mask |= machine.mixed(frame, node, lmask, rmask)
    if kind is ast.BitXor:
        if mask & (labels.vals | lab.TRAIN | lab.TARGET):
            mask |= labels.hashed(mask)
    elif kind in (ast.Mod, ast.BitAnd) and lmask & labels.vals and not rmask & labels.vals:
        mask |= labels.hashed(mask)
    elif kind is ast.Mult and lmask & rmask & lab.DISTRIBUTION and not scored:
        mask |= lab.ENTROPY
    if kind is ast.Add:
        if is_one(right) or is_one(left):
            mask |= lab.NEXT_INDEX
    elif kind in (ast.Sub, ast.Mult):
        mask &= ~lab.NEXT_INDEX
    elif kind is ast.Div and (lmask | rmask) & labels.lookups:
        mask |= count_ratio(machine, frame, node, lmask, rmask)
    return mask


def count_ratio(machine: Machine, frame: Frame, node: ast.AST, lmask: int, rmask: int) -> int:
    """Return TARGET_KEYED when a count under context-and-token is divided by a count under the context."""
    labels = machine.labels
    below = [labels.lookup_info[bit] for bit in lab.bit_numbers(rmask & labels.lookups)]
    for bit in lab.bit_numbers(lmask & labels.lookups):
        above = labels.lookup_info[bit]
        if not above.hashed:
            continue
        if any(other.reads != above.reads and other.reads & above.reads == other.reads for other in below):
            machine.mark(frame, node, lab.TARGET_KEYED)
            return lab.TARGET_KEYED
    return 0
