"""Tensor functions that mean something: losses, gathers, tables, choices between scores."""

from __future__ import annotations

import ast
import math

from audits.facts.code import labels as lab
from audits.facts.code.calls import union
from audits.facts.code.containers import heap_object
from audits.facts.code.decisions import known
from audits.facts.code.events import Learner, UpdateKind
from audits.facts.code.machine import Machine
from audits.facts.code.memory import Frame
from audits.facts.code.overlaps import scored_whole
from audits.facts.code.subscripts import look_up_table
from audits.facts.code.values import (
    NONE,
    NOTHING,
    Args,
    Buffer,
    Container,
    External,
    Fixed,
    Kwargs,
    Part,
    Value,
    objects,
)


def cross_entropy(
    machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs
) -> Value:
    """A loss of a prediction on targets."""
    prediction = args[0] if args else kwargs.get("input", kwargs.get("logits", NOTHING))
    target = args[1] if len(args) > 1 else kwargs.get("target", kwargs.get("targets", NOTHING))
    logits, targets = machine.mask(prediction), machine.mask(target)
    mask = (logits | targets) & ~(lab.NEXT_INDEX | lab.HASHED | lab.TARGET | lab.TARGET_HASHED)
    if targets & machine.labels.vals:
        whole = scored_whole(targets, kwargs.get("reduction"))
        mask |= machine.scored(frame, node, logits, targets, whole)
    return Value(mask)


def softmax(
    machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs
) -> Value:
    """A distribution over the last axis."""
    return Value(union(machine, args, kwargs) | lab.DISTRIBUTION)


def gather(
    machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs
) -> Value:
    """`torch.gather(x, dim, index)` and numpy's take_along_axis."""
    base = args[0] if args else NOTHING
    index = union(machine, args[1:], kwargs)
    return gather_from(machine, frame, node, base, index)


def gather_from(machine: Machine, frame: Frame, node: ast.AST, base: Value, index: int) -> Value:
    """Read a prediction, table or stream at positions that `index` depends on."""
    labels = machine.labels
    mask = machine.mask(base)
    tags = index & labels.tags
    if mask & (labels.params | lab.DISTRIBUTION) and index & labels.vals and index & labels.reads:
        if mask & labels.scores:
            return Value(mask | tags)
        return Value(mask | tags | machine.scored(frame, node, mask, index))
    if mask & labels.vals and not mask & (labels.params | labels.lookups):
        out = labels.narrow(mask, tags) | labels.read(node)
        return Value(out & ~lab.NEXT_INDEX | (lab.TARGET if index & lab.NEXT_INDEX else 0))

    return Value(mask | index & ~lab.HASHED | look_up_table(machine, frame, node, index, mask))


def narrow(
    machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs
) -> Value:
    """`torch.narrow(x, dim, start, length)`: a cut."""
    return narrow_from(machine, args[0], union(machine, args[1:], kwargs), node) if args else NOTHING


def narrow_from(machine: Machine, base: Value, index: int, node: ast.AST) -> Value:
    """Return a cut of a value whose place depends on `index`."""
    labels = machine.labels
    out = labels.narrow(machine.mask(base), index & labels.tags) | labels.read(node)
    return Value(out | (lab.TARGET if index & lab.NEXT_INDEX and out & labels.vals else 0))


def fresh_tensor(
    machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs
) -> Value:
    """A new tensor or array."""
    buffer = machine.track(Buffer())
    value = Value(0, buffer)
    carried = union(machine, args, kwargs)
    given = (
        carried & machine.labels.tags
        if func.last.endswith("like") or func.last in ("zeros", "ones", "empty", "full")
        else carried
    )
    if func.last.startswith(("full", "tensor", "array", "asarray")):
        given = carried
    if given & ~lab.COUNTER:
        machine.add_content(buffer, given & ~lab.COUNTER)
    buffer.batch_shared = shared_shape(args, kwargs)
    grad = kwargs.get("requires_grad")
    if grad is not None and grad.const is not False:
        return trainable(machine, value)
    return value


def shared_shape(args: Args, kwargs: Kwargs) -> bool:
    """Return True for a shape whose leading dimension is 1: one tensor for a whole batch."""
    shape = args
    if len(args) >= 1 and isinstance(args[0].obj, Fixed):
        shape = args[0].obj.items
    elif args and isinstance(args[0].obj, Container):
        return False
    if "size" in kwargs and isinstance(kwargs["size"].obj, Fixed):
        shape = kwargs["size"].obj.items
    if not shape:
        return False
    return len(shape) == 1 or shape[0].const == 1


def trainable(machine: Machine, value: Value) -> Value:
    """Make a tensor trainable."""
    obj = heap_object(value)
    if isinstance(obj, Buffer):
        obj.trainable = True
        machine.labels.param(obj)
        return value
    buffer = machine.track(Buffer())
    machine.add_content(buffer, value.labels)
    buffer.trainable = True
    machine.labels.param(buffer)
    return Value(0, buffer)


def arange(
    machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs
) -> Value:
    """Positions: they keep the mark of a start moved by one."""
    mask = union(machine, args, kwargs)
    if len(args) < 2 or not args[0].labels & lab.NEXT_INDEX or known(args[0]):
        mask &= ~lab.NEXT_INDEX
    return Value(mask & ~lab.COUNTER)


def add_at(
    machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs
) -> Value:
    """`np.add.at(table, keys, values)` and in-place scatters called as functions."""
    if args:
        table_write(machine, frame, node, args[0], union(machine, args[1:], kwargs))
    return args[0] if args else NONE


def table_write(machine: Machine, frame: Frame, node: ast.AST, table: Value, mask: int) -> None:
    """Let a table learn from the tokens in keys and values."""
    labels = machine.labels
    target = heap_object(table)
    if target is None:
        for obj in objects(table):
            if isinstance(obj, Part):
                target = obj.net
    if target is None:
        return
    weights = mask & (labels.params | lab.DISTRIBUTION)
    copied = weights and isinstance(target, Buffer) and target.depth >= len(machine.loops)
    # Attention spread over the tokens it looks at, in a tensor of this very pass, is an output and no memory.
    if mask & labels.reads and mask & labels.vals and not mask & labels.scores and not copied:
        mask = machine.learned(frame, node, mask, UpdateKind.TABLE, Learner.TABLE) | mask & ~labels.vals
        if machine.content(target) | mask != machine.content(target):
            machine.version += 1
    machine.add_content(target, mask & ~(lab.HASHED | lab.TARGET_HASHED | labels.reads | labels.hashed_reads))


def scatter(
    machine: Machine, frame: Frame, node: ast.AST, table: Value, mask: int, *, constant: bool
) -> None:
    """In-place scatters as methods."""
    if constant and one_hot(machine, node, table):
        machine.add_content(table.obj, mask & ~lab.NEXT_INDEX)
    else:
        table_write(machine, frame, node, table, mask)


def one_hot(machine: Machine, node: ast.AST, table: Value) -> bool:
    """Return True where each token marks a row of its own, in a tensor of this very pass: no memory."""
    index = node.args[1] if isinstance(node, ast.Call) and len(node.args) > 1 else None
    widened = (
        isinstance(index, ast.Subscript)
        and any(isinstance(part, ast.Constant) and part.value is None for part in ast.walk(index.slice))
        or isinstance(index, ast.Call)
        and getattr(index.func, "attr", "") == "unsqueeze"
    )
    return widened and isinstance(table.obj, Buffer) and table.obj.depth >= len(machine.loops)


def histogram(
    machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs
) -> Value:
    """Counts of token ids."""
    mask, labels = union(machine, args, kwargs), machine.labels
    if mask & labels.vals and mask & labels.reads and not mask & (labels.params | lab.PIECES):
        mask |= labels.tally(frame, node, mask & labels.vals)
    return Value(mask | lab.COUNTS)


def extreme(
    machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs
) -> Value:
    """Minimum or maximum: of two scores it is an oracle, also where they lie side by side."""
    mask = union(machine, args, kwargs) & ~lab.COUNTER
    scores = machine.labels.scores
    stacked = args and not func.path.startswith("builtins.") and side_by_side(machine, args[0])
    if stacked and not machine.is_result(mask) and not guards_overflow(machine, node):
        machine.mark(frame, node, lab.ORACLE)
        return Value(mask & ~lab.STACKED | lab.ORACLE)
    if func.last == "min" and len(args) == 2 and known(args[0]) is not known(args[1]):
        bound = args[0] if known(args[0]) else args[1]
        if type(bound.const) is int and bound.const > 0 and not bound.labels:
            machine.trace.caps.append(bound.const)
            mask |= lab.CAPPED
    if len(args) >= 2:
        left, right = machine.mask(args[0]), machine.mask(args[1])
        other = scores | machine.labels.lookups
        apart = (left ^ right) & (other | machine.labels.states)
        chosen = (left & scores and right & other or right & scores and left & other) and apart
        # The best of several results is a choice among runs, not among losses of one token (#1442).
        results = func.path.startswith("builtins.") and machine.is_result(left | right)
        if chosen and not results and not sums_in_logs(machine) and not guards_overflow(machine, node):
            machine.mark(frame, node, lab.ORACLE)
            mask |= lab.ORACLE
    return Value(mask)


def sums_in_logs(machine: Machine) -> bool:
    """Return True inside a function that adds in the log domain: its maximum only guards overflow."""
    node = machine.active[-1] if machine.active else None
    if node is None:
        return False
    known_answer = machine.log_sums.get(id(node))
    if known_answer is None:
        names = {called(item) for item in ast.walk(node)}
        known_answer = machine.log_sums[id(node)] = bool(names & {"log1p", "logaddexp", "logsumexp"})
    return known_answer


def guards_overflow(machine: Machine, call: ast.AST) -> bool:
    """Return True for a maximum taken off before exponentials: `m = max(a, b)`, `exp(a - m)` (#550)."""
    if not machine.active:
        return False
    inside = list(ast.walk(machine.active[-1]))
    names = {
        target.id
        for item in inside
        if isinstance(item, ast.Assign) and (item.value is call or _values_of(item.value) is call)
        for target in item.targets
        if isinstance(target, ast.Name)
    }
    return bool(names) and any(
        isinstance(part, ast.BinOp)
        and isinstance(part.op, ast.Sub)
        and isinstance(part.right, ast.Name)
        and part.right.id in names
        for item in inside
        if isinstance(item, ast.Call) and called(item) == "exp"
        for part in item.args
    )


def _values_of(node: ast.expr) -> ast.expr | None:
    """Return the call in `x.max(dim=0).values` and `x.max(dim=0)[0]`."""
    return node.value if isinstance(node, ast.Attribute | ast.Subscript) else None


def called(node: ast.AST) -> str:
    """Return the last name of what is called, empty for anything but a call."""
    if not isinstance(node, ast.Call):
        return ""
    return str(getattr(node.func, "attr", getattr(node.func, "id", "")))


def where(machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs) -> Value:
    """Choose between two values; of one argument it tells positions."""
    mask = union(machine, args, kwargs)
    labels = machine.labels
    if len(args) == 1:
        return Value(mask & (labels.tags | lab.TRAIN | lab.SCORE_COMPARED | lab.PREFIX | lab.SUFFIX))
    if len(args) == 3:
        left, right = machine.mask(args[1]), machine.mask(args[2])
        if args[0].labels & lab.SCORE_COMPARED and (left | right) & labels.scores:
            machine.mark(frame, node, lab.ORACLE)
            mask |= lab.ORACLE
        if (left | right) & labels.scores and left & labels.states != right & labels.states:
            mask |= machine.mixed(frame, node, left, right)
    return Value(mask)


def mixture(
    machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs
) -> Value:
    """Functions of several terms that may mix a score with something learned (logaddexp, lerp, stack)."""
    mask = union(machine, args, kwargs)
    if func.last == "logsumexp" and mask & lab.ENTROPY_EXPERT:
        machine.mark(frame, node, lab.ENTROPY_MIXED)
        mask |= lab.ENTROPY_MIXED
    if mask & machine.labels.scores and len(args) >= 2:
        for value in args[1:]:
            mask |= machine.mixed(frame, node, machine.mask(args[0]), machine.mask(value))
    return Value(mask)


def side_by_side(machine: Machine, value: Value) -> bool:
    """Return whether a value is a stack of different scores, or a list of them."""
    if machine.mask(value) & lab.STACKED:
        return True
    listed = machine.heap.get((id(value.obj), "literal"))
    items = listed.obj.items if listed is not None else ()
    scored = {machine.mask(item) & machine.labels.scores for item in items} - {0}
    return len(scored) >= 2 and not sums_in_logs(machine)


def stack(machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs) -> Value:
    """Put values side by side; an entropy among scores is taken for a score when they are mixed."""
    mask = union(machine, args, kwargs)
    listed = machine.heap.get((id(args[0].obj), "literal")) if args else None
    items = (
        args[0].obj.items if args and isinstance(args[0].obj, Fixed) else listed.obj.items if listed else []
    )
    scores = machine.labels.scores
    masks = [machine.mask(item) for item in items]
    if (
        len(masks) >= 3
        and any(item & scores for item in masks)
        and any(item & lab.ENTROPY and not item & (scores | machine.labels.lookups) for item in masks)
    ):
        mask |= lab.ENTROPY_EXPERT
    scored = [item & scores for item in masks if item & scores]
    if func.last == "stack" and len(scored) >= 2 and len(set(scored)) >= 2 and not sums_in_logs(machine):
        mask |= lab.STACKED
    return Value(mask)


def hash_operation(
    machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs
) -> Value:
    """Xor, remainder and friends as functions."""
    mask = union(machine, args, kwargs)
    return Value(mask | (machine.labels.hashed(mask) if mask & (machine.labels.vals | lab.TRAIN) else 0))


def logarithm(
    machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs
) -> Value:
    """`log`: of 2 it is the constant of the metric."""
    if args and isinstance(args[0].const, int | float) and args[0].const > 0:
        return Value(
            args[0].labels,
            None,
            {"log2": math.log2, "log10": math.log10}.get(func.last, math.log)(args[0].const),
        )
    return Value(union(machine, args, kwargs))
