"""Reads and writes through an index: where tokens are narrowed, targets gathered and tables touched."""

from __future__ import annotations

import ast
from typing import Any, NamedTuple

from audits.facts.code import labels as lab
from audits.facts.code.arithmetic import before_position, next_position
from audits.facts.code.attributes import bind_method
from audits.facts.code.configuration import read_environment
from audits.facts.code.containers import add_element, join_keys, put_key
from audits.facts.code.decisions import known
from audits.facts.code.events import Learner, Lookup, UpdateKind
from audits.facts.code.expressions import EXPRESSIONS, evaluate
from audits.facts.code.machine import Machine
from audits.facts.code.memory import Frame
from audits.facts.code.overlaps import reaches_on
from audits.facts.code.updates import update_net
from audits.facts.code.values import (
    UNKNOWN,
    Buffer,
    Container,
    External,
    Fixed,
    Function,
    Instance,
    Later,
    Net,
    Part,
    Value,
    join,
    objects,
)


class Index(NamedTuple):
    """What an index expression depends on and how it cuts."""

    labels: int
    shifted: bool
    """Some dimension starts one to the right: the cut is the stream of targets."""
    cut: int
    """PREFIX or SUFFIX for a cut at a boundary that is not constant."""
    key: Value | None
    """The single plain index, if there is just one."""
    is_slice: bool


def read_index(machine: Machine, frame: Frame, node: ast.expr) -> Index:
    """Evaluate an index expression."""
    parts = node.elts if isinstance(node, ast.Tuple) else [node]
    mask, shifted, cut, sliced = 0, False, 0, False
    key: Value | None = None
    for place, part in enumerate(parts):
        if isinstance(part, ast.Slice):
            sliced = True
            more, is_shifted, this_cut = read_slice(machine, frame, part)
            mask |= more
            shifted = shifted or is_shifted
            cut |= this_cut if _cuts_positions(parts, place) else 0
        else:
            value = evaluate(machine, frame, part)
            mask |= machine.mask(value)
            key = value
    return Index(mask, shifted, cut, key if len(parts) == 1 else None, sliced)


def _cuts_positions(parts: list[ast.expr], place: int) -> bool:
    """Return whether a slice is of rows or positions; behind these come heads and features."""
    before = parts[:place]
    if any(isinstance(part, ast.Constant) and part.value is ... for part in before):
        return place < len(parts) - 1
    return sum(not (isinstance(part, ast.Constant) and part.value is None) for part in before) < 2


def read_slice(machine: Machine, frame: Frame, node: ast.Slice) -> tuple[int, bool, int]:
    """Return the labels of a slice, whether it is shifted by one, and the cut it makes."""
    lower = evaluate(machine, frame, node.lower) if node.lower is not None else None
    upper = evaluate(machine, frame, node.upper) if node.upper is not None else None
    mask = machine.mask(lower) if lower else 0
    if upper is not None:
        # What a cut begins with tells which pass it belongs to; its end lies one past it.
        mask |= machine.labels.without_loops_of(machine.mask(upper), mask)
        if upper.labels & lab.COUNTER and not (lower is not None and lower.labels & lab.COUNTER):
            mask = before_position(machine, mask)
    shifted = lower is not None and (
        type(lower.const) is int
        and lower.const == 1
        or bool(lower.labels & lab.NEXT_INDEX and not known(lower))
    )
    mask &= ~(lab.NEXT_INDEX | lab.COUNTER)
    cut = 0
    if lower is not None and not known(lower):
        cut = lab.SUFFIX
    elif (lower is None or lower.const != 1) and upper is not None and not known(upper):
        cut = lab.PREFIX
    return mask, shifted, cut


def load_subscript(machine: Machine, frame: Frame, node: ast.Subscript, base: Value) -> Value:
    """Return `base[index]`."""
    found = objects(base)
    if len(found) > 1:
        out: Value | None = None
        for item in found:
            part = load_subscript(machine, frame, node, Value(base.labels, item))
            out = part if out is None else join(out, part)
        return out or Value()
    obj: Any = found[0] if found else None
    if type(obj) is External and obj.path.endswith("environ"):
        return read_environment(machine, frame, node, [evaluate(machine, frame, node.slice)])
    index = read_index(machine, frame, node.slice)
    kind = type(obj)
    if kind is Fixed:
        return load_fixed(machine, obj, index, base, node)
    if kind is Container:
        return load_container(machine, frame, node, base, obj, index)
    if kind is Instance and obj.cls is not None:
        method = obj.cls.find("__getitem__")
        if method is not None and isinstance(method.obj, Function):
            from audits.facts.code.calls import call_value

            key = index.key or Value(index.labels)
            return call_value(machine, frame, node, bind_method(machine, frame, method, base), [key], {})
    if kind in (Net, Part):
        net = obj if kind is Net else obj.net
        stored = machine.heap.get((id(net), getattr(obj, "path", "") + "[]"))
        return (
            stored
            if stored is not None
            else Value(base.labels | index.labels & machine.labels.tags, Part(net, getattr(obj, "path", "")))
        )
    if isinstance(base.const, str | bytes) and index.key is not None and type(index.key.const) is int:
        return Value(base.labels)
    return load_tensor(machine, frame, node, base, index)


def load_fixed(machine: Machine, obj: Fixed, index: Index, base: Value, node: ast.Subscript) -> Value:
    """Return an element or slice of a tuple."""
    if (
        index.key is not None
        and type(index.key.const) is int
        and -len(obj.items) <= index.key.const < len(obj.items)
    ):
        return obj.items[index.key.const]
    if index.is_slice or not obj.items:
        return base
    out = obj.items[0]
    for item in obj.items[1:]:
        out = join(out, item)
    tags = index.labels & machine.labels.tags
    return Value(machine.labels.narrow(out.labels, tags), machine.indexed(out.obj, tags), out.const)


def load_container(
    machine: Machine, frame: Frame, node: ast.AST, base: Value, box: Container, index: Index
) -> Value:
    """Return an element of a list or dict; a missing element stands for a nested container."""
    labels = machine.labels
    key = index.key
    if key is not None and known(key) and not index.is_slice:
        stored = machine.heap.get((id(box), ("key", key.const)))
        if stored is not None:
            kept = base.labels & (labels.tags | lab.CHOSEN) | index.labels & lab.CHOSEN
            return Value(stored.labels | kept, stored.obj, stored.const)
        literal = machine.heap.get((id(box), "literal"))
        if (
            literal is not None
            and type(key.const) is int
            and -len(literal.obj.items) <= key.const < len(literal.obj.items)
        ):
            item: Value = literal.obj.items[key.const]
            return item
    tags = index.labels & labels.tags
    if index.is_slice:
        return Value(base.labels | tags, box)
    split = index.labels & (lab.PATH_VAL | lab.PATH_TRAIN)
    of_split: Value | None = machine.heap.get((id(box), ("split", split))) if split else None
    if of_split is not None:
        return Value(of_split.labels | tags, of_split.obj, of_split.const)
    element = machine.heap.get((id(box), "element"))
    content = machine.content(box)
    mask = labels.narrow(content | base.labels | (element.labels if element is not None else 0), tags)
    mask |= look_up_table(machine, frame, node, index.labels, mask) | index.labels & lab.CHOSEN
    if not mask & labels.vals and (element is None or element.obj is None):
        mask |= index.labels & (labels.vals | labels.reads | lab.TARGET | lab.TRAIN)
    if element is None:
        return Value(mask, box)
    moved = (content | base.labels | index.labels) & labels.tags
    return Value(
        mask,
        machine.indexed(element.obj, moved),
        element.const if type(element.const) is not Later else UNKNOWN,
    )


def look_up_table(machine: Machine, frame: Frame, node: ast.AST, key: int, content: int) -> int:
    """Record a read under a key of token ids and return its labels."""
    labels = machine.labels
    counted, reads = machine.counted_under(key, content), key & labels.hashed_reads
    if not reads or not key & lab.HASHED:
        return counted
    of_target = bool(key & lab.TARGET_HASHED)
    lookup = Lookup(machine.location(frame, node), (id(node), reads), reads, True, of_target)
    out = labels.lookup(lookup) | counted
    if len(labels.lookup_info) > len(machine.trace.lookups):
        machine.trace.lookups.append(lookup)
    if of_target:
        machine.mark(frame, node, lab.TARGET_KEYED)
        out |= lab.TARGET_KEYED
    return out


def load_tensor(machine: Machine, frame: Frame, node: ast.Subscript, base: Value, index: Index) -> Value:
    """Return `tensor[index]`: narrowed tokens, gathered targets, table reads or plain values."""
    labels = machine.labels
    mask = machine.mask(base)
    if machine.presuming and mask & lab.UNSORTED and index.is_slice:
        from audits.facts.code.presumption import cut_in_two

        mask = cut_in_two(machine, frame, node, mask)
    tags = index.labels & labels.tags
    if index.key is not None and index.labels & lab.COUNTER and index.labels & lab.NEXT_INDEX:
        tags = next_position(machine, tags)
    predicted = mask & (labels.params | lab.DISTRIBUTION)
    if (
        mask & (labels.vals | lab.TRAIN)
        and not predicted
        and not mask & (labels.scores | labels.lookups | lab.PIECES)
        and not index.labels & lab.HASHED
    ):
        out = labels.narrow(mask, tags) | labels.read(node) | index.labels & lab.SCORE_COMPARED
        if mask & labels.vals and not machine.loops and isinstance(node.slice, ast.Slice):
            out |= cut_short(machine, frame, node, node.slice)
        if mask & labels.vals and machine.loops:
            out |= reaches_on(machine, frame, node.slice)
        if index.shifted or index.labels & lab.NEXT_INDEX:
            out = out & ~lab.NEXT_INDEX | lab.TARGET
        return Value(out, base.obj if index.is_slice and not tags else None)
    if (
        predicted
        and index.labels & labels.vals
        and index.labels & labels.reads
        and not mask & labels.scores
        and not index.labels & lab.HASHED
    ):
        return Value(mask | tags | machine.scored(frame, node, mask, index.labels))
    out = labels.narrow(mask, tags) | look_up_table(machine, frame, node, index.labels, mask)
    out |= index.labels & (labels.states | labels.lookups | lab.TARGET_KEYED | lab.SCORE_COMPARED)
    if mask & lab.PIECES or not mask & (labels.scores | labels.params):
        out |= index.labels & (labels.vals | lab.TARGET | lab.TRAIN | lab.PIECES | labels.reads)
    if mask & (labels.scores | labels.params):
        # A mask of positions cuts as the slice does that it was filled by (#1282, #1306).
        out |= index.cut | index.labels & (lab.PREFIX | lab.SUFFIX)
    keep = base.obj if isinstance(base.obj, Buffer) and index.is_slice else None
    return Value(out, keep)


def cut_short(machine: Machine, frame: Frame, node: ast.Subscript, part: ast.Slice) -> int:
    """Return CUT where a constant number of validation tokens is kept, before any loop over them (#342)."""
    if part.lower is not None or part.upper is None or part.step is not None:
        return 0
    upper = evaluate(machine, frame, part.upper)
    kept = min(machine.trace.caps) if upper.labels & lab.CAPPED else upper.const
    if type(kept) is not int or kept <= 0:
        return 0
    machine.trace.cuts.append((kept, machine.location(frame, node)))
    return lab.CUT


def store_subscript(
    machine: Machine, frame: Frame, node: ast.Subscript, value: Value, augmented: bool = False
) -> None:
    """Perform `base[index] = value` or `base[index] op= value`."""
    base = evaluate(machine, frame, node.value)
    index = read_index(machine, frame, node.slice)
    found = objects(base)
    if not found:
        rebind(machine, frame, node, base, index, value, augmented)
        return
    for obj in found:
        store_into(machine, frame, node, obj, index, value, augmented)


def rebind(
    machine: Machine,
    frame: Frame,
    node: ast.Subscript,
    base: Value,
    index: Index,
    value: Value,
    augmented: bool,
) -> None:
    """Write into a value that has no identity: what holds it gets the join, a container or a name."""
    target = node.value
    while isinstance(target, ast.Subscript):
        target = target.value
        for obj in objects(evaluate(machine, frame, target)):
            if isinstance(obj, Container):
                store_into(machine, frame, node, obj, index, Value(machine.mask(value)), augmented)
                return
    while isinstance(target, ast.Subscript | ast.Attribute):
        target = target.value
    if not isinstance(target, ast.Name):
        return
    old = frame.env.get(target.id)
    if old is None or old.obj is not None:
        return
    mask = machine.mask(value) | written_key(machine, frame, node, index, value, augmented)
    mask |= oracle_write(machine, frame, node, index, base.labels, mask)
    frame.env[target.id] = Value(old.labels | mask & ~lab.COUNTED)
    frame.stored[target.id] = frame.env[target.id].labels


def written_key(
    machine: Machine, frame: Frame, node: ast.AST, index: Index, value: Value, augmented: bool
) -> int:
    """Return what a table learns when it is written under a key of validation tokens."""
    labels = machine.labels
    keyed = index.labels & labels.vals and index.labels & labels.reads
    if not keyed and not machine.mask(value) & lab.COUNTS:
        return 0
    if not augmented and known(value) and not value.const and value.obj is None:
        # What is blanked out where the tokens say so remembers nothing (`sizes[is_special] = 0`).
        return 0
    if not augmented and not index.labels & lab.HASHED and not isinstance(index.key, Value):
        return 0
    return machine.learned(frame, node, index.labels | machine.mask(value), UpdateKind.TABLE, Learner.TABLE)


def oracle_write(machine: Machine, frame: Frame, node: ast.AST, index: Index, old: int, new: int) -> int:
    """Return ORACLE when scores are overwritten where a comparison of scores says so."""
    scores = machine.labels.scores
    if index.labels & lab.SCORE_COMPARED and old & scores and new & scores:
        machine.mark(frame, node, lab.ORACLE)
        return lab.ORACLE
    return 0


def store_into(
    machine: Machine, frame: Frame, node: ast.Subscript, obj: Any, index: Index, value: Value, augmented: bool
) -> None:
    """Write into one heap object."""
    kind = type(obj)
    if kind in (Net, Part):
        net = obj if kind is Net else obj.net
        if net in machine.running_nets:
            # A net that stores an activation while it runs is not learning.
            machine.put((id(net), getattr(obj, "path", "") + "[]"), value)
            return
        update_net(machine, frame, node, net, machine.mask(value), UpdateKind.IN_PLACE)
        return
    learned = written_key(machine, frame, node, index, value, augmented)
    if learned and machine.content(obj) | learned != machine.content(obj):
        machine.version += 1
    if kind is Container:
        key = index.key
        obj.is_record = obj.is_record and not index.labels & machine.labels.vals
        if key is not None and known(key) and isinstance(key.const, str | int | bytes):
            if augmented:
                join_keys(machine, obj, (key.const,), value)
            else:
                put_key(machine, obj, key.const, value)
        else:
            join_keys(machine, obj, tuple(obj.keyed), value)
        split = index.labels & (lab.PATH_VAL | lab.PATH_TRAIN)
        if split in (lab.PATH_VAL, lab.PATH_TRAIN) and not augmented:
            # A cache keyed by file holds the files of each split apart.
            known_of_split: Value | None = machine.heap.get((id(obj), ("split", split)))
            kept = value if known_of_split is None else join(known_of_split, value)
            machine.put((id(obj), ("split", split)), kept)
        add_element(machine, obj, value)
        tags = index.labels & machine.labels.tags
        if learned or tags:
            machine.add_content(obj, learned | tags)
    elif kind is Buffer:
        mask = machine.mask(value) & ~lab.COUNTED | learned | index.labels & machine.labels.tags
        mask |= oracle_write(machine, frame, node, index, machine.content(obj), mask)
        if index.cut and known(value):
            cut = index.cut
            if value.const in (0, 0.0, False):
                cut = {lab.PREFIX: lab.SUFFIX, lab.SUFFIX: lab.PREFIX}.get(cut, cut)
            mask |= cut
        machine.add_content(obj, mask)
    elif kind is Instance and obj.cls is not None:
        method = obj.cls.find("__setitem__")
        if method is not None and isinstance(method.obj, Function):
            from audits.facts.code.calls import call_value

            bound = bind_method(machine, frame, method, Value(0, obj))
            call_value(machine, frame, node, bound, [index.key or Value(index.labels), value], {})


def evaluate_subscript(machine: Machine, frame: Frame, node: ast.Subscript) -> Value:
    """Return the value of a subscript expression."""
    return load_subscript(machine, frame, node, evaluate(machine, frame, node.value))


EXPRESSIONS[ast.Subscript] = evaluate_subscript
