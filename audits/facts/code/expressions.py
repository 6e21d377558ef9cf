"""Expressions: constants are computed, everything else is a join of labels with a few sharp exceptions.

The exceptions carry the meaning: a slice narrows validation tokens, xor and mod make hashes, a comparison
of two scores is remembered, a quotient by ln 2 is a report.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable
from typing import Any

from audits.facts.code import labels as lab
from audits.facts.code.machine import Frame, Machine
from audits.facts.code.values import (
    NONE,
    NOTHING,
    UNKNOWN,
    Bound,
    Buffer,
    Class,
    Container,
    External,
    File,
    Fixed,
    Function,
    HeapObject,
    Imported,
    Instance,
    Later,
    Module,
    Net,
    Optimiser,
    Part,
    Value,
    join,
    objects,
)

_BINARY: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.BitXor: operator.xor, ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
}
_COMPARE: dict[type, Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_NUMBERS = (int, float)
_SIMPLE = (int, float, str, bool, bytes)
LN2, LOG2E = math.log(2), 1 / math.log(2)


def known(value: Value) -> bool:
    """Return True when the value is a known Python constant."""
    const = value.const
    return const is not UNKNOWN and type(const) is not Later


def truth(value: Value) -> bool | None:
    """Return the truth of a value where it can be told."""
    if known(value):
        if value.const is None and value.obj is not None:
            return True
        try:
            return bool(value.const)
        except Exception:
            return None
    if type(value.const) is Later:
        return True if value.const.start >= 0 else None
    if isinstance(value.obj, Function | Class | Net | Optimiser | External | Module | Instance):
        return True
    if isinstance(value.obj, Fixed):
        return bool(value.obj.items)
    return None


def is_ln2(value: Value) -> bool:
    """Return True for ln 2 and its reciprocal, which only the bits-per-byte formula needs."""
    const = value.const
    return type(const) is float and (abs(const - LN2) < 1e-4 or abs(const - LOG2E) < 1e-4)


def evaluate(machine: Machine, frame: Frame, node: ast.expr) -> Value:
    """Return the abstract value of an expression."""
    machine.budget -= 1
    if machine.budget < 0:
        machine.step()
    handler = EXPRESSIONS.get(type(node))
    return handler(machine, frame, node) if handler is not None else NOTHING


def _constant(machine: Machine, frame: Frame, node: ast.Constant) -> Value:
    value = node.value
    return NONE if value is None else Value(path_labels(value) if type(value) is str else 0, None, value)


def path_labels(text: str) -> int:
    """Return labels for a string that names a split of the data set."""
    if len(text) > 300 or "val" not in text and "train" not in text:
        return 0
    if "fineweb_val" in text or "_val_" in text or "val_*" in text or "/val/" in text or "/val_" in text:
        return lab.PATH_VAL | (lab.BYTES_FILE if "bytes" in text.rsplit("/", 1)[-1] else 0)
    if "fineweb_train" in text or "_train_" in text or "train_*" in text or "/train/" in text:
        return lab.PATH_TRAIN
    if text in ("val", "validation", "train") or text.startswith(("val.", "val-", "validation.")):
        return lab.PATH_VAL if text.startswith("val") else lab.PATH_TRAIN
    return 0


def look_up(machine: Machine, frame: Frame, name: str) -> Value | None:
    """Return what a name is bound to, innermost scope first."""
    found = frame.env.get(name)
    if found is not None:
        return found
    for scope in frame.scopes:
        found = scope.get(name)
        if found is not None:
            return found
    return frame.module.env.get(name)


def _name(machine: Machine, frame: Frame, node: ast.Name) -> Value:
    found = look_up(machine, frame, node.id)
    if found is not None:
        return found
    value = Value(0, External("builtins." + node.id))
    return value


def _attribute(machine: Machine, frame: Frame, node: ast.Attribute) -> Value:
    return get_attribute(machine, frame, evaluate(machine, frame, node.value), node.attr)


def get_attribute(machine: Machine, frame: Frame, base: Value, name: str) -> Value:
    """Return an attribute of a value."""
    obj = base.obj
    kind = type(obj)
    if kind is External:
        path = f"{obj.path}.{name}"
        if path in ("math.e", "numpy.e"):
            return Value(0, None, math.e)
        return Value(base.labels, External(path))
    if kind is Instance:
        return instance_attribute(machine, frame, base, obj, name)
    if kind is Net:
        return net_attribute(machine, base, obj, name)
    if kind is Part:
        if name in ("data", "grad", "weight", "bias"):
            return Value(base.labels, obj)
        stored = machine.heap.get((id(obj.net), f"{obj.path}.{name}"))
        if stored is not None:
            return Value(stored.labels | base.labels, stored.obj, stored.const)
        if name in _METHODS:
            return Value(base.labels, Bound(name, base))
        return Value(base.labels, Part(obj.net, f"{obj.path}.{name}"))
    if kind is Class:
        found = obj.find(name)
        if found is None:
            return Value(0, Bound(name, base))
        return bind_method(machine, frame, found, base) if is_classmethod(found) else found
    if kind is Imported:
        return obj.module.env.get(name) or Value(0, External(f"{obj.module.name}.{name}"))
    if obj is not None and kind.__name__ == "Many":
        values = [get_attribute(machine, frame, Value(base.labels, item), name) for item in obj.items]
        out = values[0]
        for value in values[1:]:
            out = join(out, value)
        return out
    if name in ("shape", "size", "ndim", "dtype", "device", "itemsize", "nbytes"):
        return Value(machine.mask(base) & machine.labels.tags if name != "size" else 0,
                     Bound(name, base) if name == "size" else None)
    if name in ("data", "T", "mT", "real", "flat"):
        return base
    if name == "grad":
        return Value(machine.mask(base), obj)
    return Value(base.labels, Bound(name, base))


_METHODS = frozenset((
    "parameters", "named_parameters", "state_dict", "load_state_dict", "add_", "sub_", "mul_", "copy_", "zero_", "lerp_",
    "addcdiv_", "fill_", "normal_", "uniform_", "to", "cuda", "cpu", "float", "bfloat16", "half", "double", "detach",
    "clone", "view", "reshape", "numel", "size", "register_forward_hook", "register_forward_pre_hook", "requires_grad_",
    "named_modules", "modules", "children", "items", "values", "keys", "named_children", "train", "eval", "apply",
    "append", "extend", "get", "t", "contiguous", "zero_grad", "buffers", "named_buffers", "numpy", "item", "sum", "mean",
    "norm", "abs", "dim", "transpose", "permute", "unsqueeze", "squeeze", "index_select", "gather", "div_", "clamp_",
    "index_copy_", "scatter_add_", "add", "sub", "mul", "data_ptr", "element_size",
))


def instance_attribute(machine: Machine, frame: Frame, base: Value, obj: Instance, name: str) -> Value:
    """Return an attribute of an object of a plain class."""
    stored = machine.heap.get((id(obj), name))
    if stored is not None:
        return Value(stored.labels | (base.labels & machine.labels.tags), stored.obj, stored.const)
    if name == "__dict__":
        return Value(machine.content(obj), obj)
    found = obj.cls.find(name) if obj.cls is not None else None
    if found is None:
        return Value(machine.content(obj) | base.labels, Bound(name, base))
    if isinstance(found.obj, Function):
        return bind_method(machine, frame, found, base)
    return found


def is_classmethod(found: Value) -> bool:
    """Return True for a function that takes its class first."""
    return isinstance(found.obj, Function) and any(
        getattr(item, "id", "") == "classmethod" for item in getattr(found.obj.node, "decorator_list", ()))


def bind_method(machine: Machine, frame: Frame, found: Value, base: Value) -> Value:
    """Return a function bound to its receiver, honouring staticmethod, classmethod and property."""
    function: Function = found.obj
    decorators = {getattr(item, "id", getattr(item, "attr", "")) for item in getattr(function.node, "decorator_list", ())}
    if "staticmethod" in decorators:
        return found
    if "classmethod" in decorators and isinstance(base.obj, Instance):
        base = Value(0, base.obj.cls)
    method = Function(function.node, function.module, function.scopes, function.owner, base, function.defaults)
    if decorators & {"property", "cached_property"}:
        from audits.facts.code.calls import call_function

        return call_function(machine, frame, method, [], {}, function.node)
    return Value(found.labels, method)


def net_attribute(machine: Machine, base: Value, obj: Net, name: str) -> Value:
    """Return an attribute of a neural module: a method of its class, or a part of it."""
    stored = machine.heap.get((id(obj), name))
    if stored is not None:
        return Value(stored.labels, stored.obj, stored.const)
    if name in ("module", "_orig_mod"):
        return base
    found = obj.cls.find(name) if obj.cls is not None else None
    if found is not None:
        if isinstance(found.obj, Function):
            decorators = {getattr(d, "id", "") for d in getattr(found.obj.node, "decorator_list", ())}
            if "staticmethod" in decorators:
                return found
            function = found.obj
            return Value(0, Function(function.node, function.module, function.scopes, function.owner, base,
                                     function.defaults))
        return found
    if name in _METHODS or name in ("forward", "__call__"):
        return Value(base.labels, Bound(name, base))
    if name == "training":
        return NOTHING
    return Value(base.labels, Part(obj, name))


def _binary(machine: Machine, frame: Frame, node: ast.BinOp) -> Value:
    left = evaluate(machine, frame, node.left)
    right = evaluate(machine, frame, node.right)
    return combine(machine, frame, node, node.op, left, right)


def combine(machine: Machine, frame: Frame, node: ast.AST, op: ast.operator, left: Value, right: Value) -> Value:
    """Return the value of a binary operation with what it means for scores, keys and positions."""
    kind = type(op)
    lconst, rconst = left.const, right.const
    if lconst is not UNKNOWN and rconst is not UNKNOWN:
        if isinstance(lconst, _SIMPLE) and isinstance(rconst, _SIMPLE):
            return Value(left.labels | right.labels, None, fold(kind, lconst, rconst))
        if type(lconst) is Later and type(rconst) is int and rconst >= 0:
            if kind is ast.Add:
                return Value(left.labels, None, Later(lconst.start + rconst))
            if kind is ast.Sub and rconst >= 1:
                return previous_pass(machine, left)
    if kind is ast.Div and isinstance(left.obj, File | External):
        return Value(left.labels | right.labels, join_path(left, right))
    if kind is ast.Add and isinstance(left.obj, Fixed) and isinstance(right.obj, Fixed):
        return Value(0, Fixed(left.obj.items + right.obj.items))
    if kind is ast.Sub and type(rconst) is int and rconst >= 1 and is_counter(machine, left):
        return previous_pass(machine, left)
    lmask, rmask = machine.mask(left), machine.mask(right)
    return Value(operate(machine, frame, node, kind, left, right, lmask, rmask))


def is_counter(machine: Machine, value: Value) -> bool:
    """Return True for a bare loop counter of an open loop."""
    return value.obj is None and type(value.const) is int and bool(value.labels) and any(
        loop.tag == value.labels for loop in machine.loops)


def previous_pass(machine: Machine, value: Value) -> Value:
    """Return a loop counter less one: what it indexes belongs to the pass before."""
    tags = value.labels & machine.labels.tags
    if tags and tags & (tags - 1) == 0:
        loop, step = machine.labels.tag_info[tags.bit_length() - 1]
        return Value(value.labels & ~tags | machine.labels.tag(loop, step - 0.5))
    return Value(value.labels)


def join_path(left: Value, right: Value) -> File:
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
    if function is None or (kind is ast.Mult and not (isinstance(left, _NUMBERS) and isinstance(right, _NUMBERS))):
        return UNKNOWN
    try:
        out = function(left, right)
    except Exception:
        return UNKNOWN
    if isinstance(out, str | bytes) and len(out) > 4096 or isinstance(out, int) and abs(out) > 1 << 200:
        return UNKNOWN
    return UNKNOWN if isinstance(out, complex) else out


def operate(machine: Machine, frame: Frame, node: ast.AST, kind: type, left: Value, right: Value,
            lmask: int, rmask: int) -> int:
    """Return the labels of a binary operation on non-constants."""
    labels = machine.labels
    mask = lmask | rmask
    scored = mask & labels.scores
    if scored:
        if (kind is ast.Div and is_ln2(right)) or (kind is ast.Mult and (is_ln2(left) or is_ln2(right))):
            machine.report(frame, node, mask)
            return mask
        if (lmask & labels.states) != (rmask & labels.states):
            mask |= machine.mixed(frame, node, lmask, rmask)
    if kind is ast.BitXor:
        if mask & (labels.vals | lab.TRAIN | lab.TARGET):
            mask |= labels.hashed(mask)
    elif kind in (ast.Mod, ast.BitAnd) and lmask & labels.vals and not rmask & labels.vals:
        mask |= labels.hashed(mask)
    elif kind is ast.Mult and lmask & rmask & lab.DISTRIBUTION and not scored:
        mask |= lab.ENTROPY
    if kind is ast.Add:
        if right.const == 1 and type(right.const) is int or left.const == 1 and type(left.const) is int:
            mask |= lab.NEXT_INDEX
    elif kind is ast.Sub:
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


def _unary(machine: Machine, frame: Frame, node: ast.UnaryOp) -> Value:
    value = evaluate(machine, frame, node.operand)
    if isinstance(node.op, ast.Not):
        verdict = truth(value)
        return Value(value.labels, None, UNKNOWN if verdict is None else not verdict)
    if known(value) and isinstance(value.const, _NUMBERS):
        if isinstance(node.op, ast.USub):
            return Value(value.labels, None, -value.const)
        if isinstance(node.op, ast.Invert) and isinstance(value.const, int):
            return Value(value.labels, None, ~value.const)
        return value
    return Value(machine.mask(value))


def _boolean(machine: Machine, frame: Frame, node: ast.BoolOp) -> Value:
    is_and = isinstance(node.op, ast.And)
    out: Value | None = None
    for part in node.values:
        value = evaluate(machine, frame, part)
        verdict = truth(value)
        if verdict is not None and type(value.const) is not Later:
            note_decision(machine, value)
            if verdict is not is_and:
                return value if out is None else Value(out.labels | value.labels, value.obj if out is None else None,
                                                       False if is_and else UNKNOWN)
            if out is None and part is not node.values[-1]:
                continue
        out = value if out is None else join(out, value)
    return out if out is not None else NOTHING


def note_decision(machine: Machine, value: Value) -> None:
    """Count decisions that rest on a loop counter's first value: they call for a second pass."""
    if value.labels & machine.labels.tags:
        machine.first_pass_decisions += 1


def _compare(machine: Machine, frame: Frame, node: ast.Compare) -> Value:
    left = evaluate(machine, frame, node.left)
    values = [evaluate(machine, frame, item) for item in node.comparators]
    if len(values) == 1:
        verdict = compare(node.ops[0], left, values[0])
        if verdict is not None:
            return Value(left.labels | values[0].labels, None, verdict)
    labels = machine.labels
    lmask = machine.mask(left)
    mask, scored = lmask, bool(lmask & labels.scores)
    compared = False
    for value in values:
        rmask = machine.mask(value)
        compared = compared or scored and bool(rmask & labels.scores)
        mask |= rmask
    out = mask & (labels.tags | lab.TARGET | labels.lookups | lab.PREFIX | lab.SUFFIX)
    return Value(out | (lab.SCORE_COMPARED | mask & labels.scores if compared else 0))


def compare(op: ast.cmpop, left: Value, right: Value) -> bool | None:
    """Return the outcome of a comparison of constants, loop counters included."""
    kind = type(op)
    if kind in (ast.Is, ast.IsNot):
        return compare_identity(kind is ast.Is, left, right)
    if kind in (ast.In, ast.NotIn):
        return compare_membership(kind is ast.In, left, right)
    if known(left) and known(right) and left.const is not None and right.const is not None:
        try:
            return bool(_COMPARE[kind](left.const, right.const))
        except Exception:
            return None
    if known(left) and known(right) and kind in (ast.Eq, ast.NotEq) and left.obj is None and right.obj is None:
        return (left.const == right.const) is (kind is ast.Eq)
    if type(left.const) is Later and type(right.const) is int:
        return compare_later(kind, left.const.start, right.const)
    return None


def compare_later(kind: type, start: int, other: int) -> bool | None:
    """Compare a counter known to be greater than `start`."""
    if other <= start:
        return {ast.Eq: False, ast.NotEq: True, ast.Gt: True, ast.GtE: True, ast.Lt: False, ast.LtE: False}.get(kind)
    if other == start + 1:
        return {ast.GtE: True, ast.Lt: False}.get(kind)
    return None


def compare_identity(same: bool, left: Value, right: Value) -> bool | None:
    """Decide `is None` and `is not None`."""
    for value, other in ((left, right), (right, left)):
        if other.const is None and other.obj is None:
            if value.const is None and value.obj is None:
                return same
            if value.obj is not None and value.const is UNKNOWN or known(value) and value.const is not None:
                return not same
            if value.labels and value.const is UNKNOWN and False:
                return not same
    return None


def compare_membership(inside: bool, left: Value, right: Value) -> bool | None:
    """Decide membership of a constant in a literal or string."""
    if not known(left) or left.const is None:
        return None
    if isinstance(right.const, str) and isinstance(left.const, str):
        return (left.const in right.const) is inside
    if isinstance(right.obj, Fixed) and all(known(item) and item.obj is None for item in right.obj.items):
        return (left.const in [item.const for item in right.obj.items]) is inside
    return None


def _subscript(machine: Machine, frame: Frame, node: ast.Subscript) -> Value:
    from audits.facts.code.subscripts import load_subscript

    return load_subscript(machine, frame, node, evaluate(machine, frame, node.value))


def _tuple(machine: Machine, frame: Frame, node: ast.Tuple | ast.List) -> Value:
    items = [evaluate(machine, frame, item.value if isinstance(item, ast.Starred) else item) for item in node.elts]
    if isinstance(node, ast.Tuple):
        return Value(0, Fixed(items))
    return make_list(machine, items)


def make_list(machine: Machine, items: list[Value]) -> Value:
    """Return a new list of the given elements."""
    box = machine.track(Container())
    if items:
        element = items[0]
        for item in items[1:]:
            element = join(element, item)
        machine.put((id(box), "element"), element)
        if len(items) <= 8:
            machine.put((id(box), "literal"), Value(0, Fixed(items)))
    return Value(0, box)


def _dict(machine: Machine, frame: Frame, node: ast.Dict) -> Value:
    box = machine.track(Container(is_dict=True))
    element: Value | None = None
    for key, item in zip(node.keys, node.values, strict=True):
        value = evaluate(machine, frame, item)
        if key is None:
            machine.add_content(box, machine.mask(value))
            continue
        name = evaluate(machine, frame, key)
        if known(name) and isinstance(name.const, _SIMPLE):
            machine.put((id(box), ("key", name.const)), value)
        element = value if element is None else join(element, value)
    if element is not None:
        machine.put((id(box), "element"), element)
    return Value(0, box)


def _set(machine: Machine, frame: Frame, node: ast.Set) -> Value:
    return make_list(machine, [evaluate(machine, frame, item) for item in node.elts])


def _lambda(machine: Machine, frame: Frame, node: ast.Lambda) -> Value:
    scopes = (frame.env, *frame.scopes)
    defaults = {name: evaluate(machine, frame, value) for name, value in default_pairs(node.args)}
    return Value(0, Function(node, frame.module, scopes, None, None, defaults))


def default_pairs(arguments: ast.arguments) -> list[tuple[str, ast.expr]]:
    """Return (parameter, default expression) pairs."""
    positional = [*arguments.posonlyargs, *arguments.args]
    pairs = [(arg.arg, value) for arg, value in
             zip(positional[len(positional) - len(arguments.defaults):], arguments.defaults, strict=True)]
    pairs += [(arg.arg, value) for arg, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
              if value is not None]
    return pairs


def _conditional(machine: Machine, frame: Frame, node: ast.IfExp) -> Value:
    test = evaluate(machine, frame, node.test)
    verdict = truth(test)
    if verdict is not None:
        note_decision(machine, test)
        return evaluate(machine, frame, node.body if verdict else node.orelse)
    out = join(evaluate(machine, frame, node.body), evaluate(machine, frame, node.orelse))
    if test.labels & lab.SCORE_COMPARED and out.labels & machine.labels.scores:
        machine.mark(frame, node, lab.ORACLE)
        return Value(out.labels | lab.ORACLE, out.obj, out.const)
    return out


def _formatted(machine: Machine, frame: Frame, node: ast.JoinedStr) -> Value:
    pieces: list[str] = []
    mask = shown = 0
    constant = True
    for part in node.values:
        if isinstance(part, ast.Constant):
            pieces.append(str(part.value))
            continue
        value = evaluate(machine, frame, part.value) if isinstance(part, ast.FormattedValue) else NOTHING
        mask |= value.labels & (lab.PATH_VAL | lab.PATH_TRAIN | lab.BYTES_FILE)
        shown |= value.labels
        if isinstance(value.const, str | int) and len(pieces) < 64:
            pieces.append(str(value.const)[:2000])
        else:
            constant = False
            pieces.append("*")
    text = "".join(pieces)
    if len(text) > 7 and isinstance(node.values[0], ast.Constant):
        machine.trace.texts[str(node.values[0].value)[:80]] = None
    if shown & machine.labels.scores:
        machine.trace.prints.append((text, shown))
        if "bpb" in text.lower() and shown & machine.labels.scores & ~machine.reported_scores:
            # Whatever formula made it (a helper out of reach, say): it is printed as bits per byte.
            machine.report(frame, node, shown)
    return Value(mask | path_labels(text), None, text if constant else UNKNOWN)


def _comprehension(machine: Machine, frame: Frame, node: Any) -> Value:
    from audits.facts.code.statements import run_comprehension

    return run_comprehension(machine, frame, node)


def _call(machine: Machine, frame: Frame, node: ast.Call) -> Value:
    from audits.facts.code.calls import evaluate_call

    return evaluate_call(machine, frame, node)


def _starred(machine: Machine, frame: Frame, node: ast.Starred) -> Value:
    return evaluate(machine, frame, node.value)


def _walrus(machine: Machine, frame: Frame, node: ast.NamedExpr) -> Value:
    value = evaluate(machine, frame, node.value)
    frame.env[node.target.id] = value
    return value


def _await(machine: Machine, frame: Frame, node: ast.Await) -> Value:
    return evaluate(machine, frame, node.value)


def _yield(machine: Machine, frame: Frame, node: ast.Yield | ast.YieldFrom) -> Value:
    value = evaluate(machine, frame, node.value) if node.value is not None else NONE
    if isinstance(node, ast.YieldFrom):
        from audits.facts.code.statements import element_of

        value = element_of(machine, frame, node, value, 0)
    box = frame.env.get(" yielded")
    if box is None or not isinstance(box.obj, Container):
        box = frame.env[" yielded"] = Value(0, machine.track(Container()))
    add_element(machine, box.obj, value)
    return NOTHING


def add_element(machine: Machine, box: Container, value: Value) -> None:
    """Put one more element into a container."""
    old = machine.heap.get((id(box), "element"))
    new = value if old is None else join(old, value)
    if old is None or new.labels != old.labels or new.obj is not old.obj or new.const is not old.const:
        machine.put((id(box), "element"), new)
    if machine.heap.get((id(box), "literal")) is not None:
        machine.put((id(box), "literal"), None)


def heap_object(value: Value) -> HeapObject | None:
    """Return the single heap object of a value, if it has one."""
    found = [item for item in objects(value) if isinstance(item, HeapObject)]
    return found[0] if len(found) == 1 else None


EXPRESSIONS: dict[type, Callable[[Machine, Frame, Any], Value]] = {
    ast.Constant: _constant, ast.Name: _name, ast.Attribute: _attribute, ast.BinOp: _binary, ast.UnaryOp: _unary,
    ast.BoolOp: _boolean, ast.Compare: _compare, ast.Subscript: _subscript, ast.Tuple: _tuple, ast.List: _tuple,
    ast.Dict: _dict, ast.Set: _set, ast.Lambda: _lambda, ast.IfExp: _conditional, ast.JoinedStr: _formatted,
    ast.ListComp: _comprehension, ast.SetComp: _comprehension, ast.GeneratorExp: _comprehension,
    ast.DictComp: _comprehension, ast.Call: _call, ast.Starred: _starred, ast.NamedExpr: _walrus, ast.Await: _await,
    ast.Yield: _yield, ast.YieldFrom: _yield,
}

__all__ = ["Buffer", "combine", "evaluate", "get_attribute"]
