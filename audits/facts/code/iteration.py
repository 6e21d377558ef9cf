"""Iteration: what one pass of a loop or comprehension gets to see."""

from __future__ import annotations

import ast
from typing import Any

from audits.facts.code import labels as lab
from audits.facts.code.attributes import get_attribute
from audits.facts.code.expressions import EXPRESSIONS, evaluate
from audits.facts.code.machine import Machine
from audits.facts.code.memory import Frame, Loop
from audits.facts.code.values import (
    NOTHING,
    UNKNOWN,
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

FEW = 6
"""Longer tuples are gone over as lists are."""


def _is_empty(machine: Machine, source: Value) -> bool:
    """Return True for `range(0)` and empty tuples."""
    obj = source.obj
    return isinstance(obj, Fixed) and not obj.items or isinstance(obj, External) and obj.path == "range:empty"


def element_of(
    machine: Machine, frame: Frame, node: ast.AST, source: Value, tag: int, step: float = 1
) -> Value:
    """Return what iterating over a value yields in one pass of a loop."""
    found = objects(source)
    labels = machine.labels
    if len(found) == 1:
        obj = found[0]
        if isinstance(obj, Fixed):
            return _element_of_fixed(machine, frame, node, obj, source, tag, step)
        if isinstance(obj, Container):
            return _element_of_container(machine, frame, obj, source, tag, step)
        if isinstance(obj, Part | Net):
            return Value(source.labels | tag, obj if isinstance(obj, Part) else Part(obj))
        if isinstance(obj, Instance) and obj.cls is not None:
            return _iterate_instance(machine, frame, node, source, obj, tag)
    if source.obj is not None and type(source.const) is tuple:
        return Value(source.labels | tag)
    const = source.const
    if type(const) is tuple and const and const[0] == "range":
        start = const[1]
        position = source.labels | tag | lab.COUNTER
        if type(start) is int:
            return Value(position, None, start if step == 1 else Later(start))
        return Value(position)
    return Value(labels.narrow(machine.mask(source), tag) | tag)


def _element_of_fixed(
    machine: Machine, frame: Frame, node: ast.AST, obj: Fixed, source: Value, tag: int, step: float
) -> Value:
    """Return an element of a tuple: the zip of iterables is a tuple with a marker."""
    if source.const == ("zip",):
        return Value(
            source.labels | tag,
            Fixed([element_of(machine, frame, node, item, tag, step) for item in obj.items]),
        )
    if not obj.items:
        return Value(tag)
    out = obj.items[0]
    for item in obj.items[1:]:
        out = join(out, item)
    return Value(
        machine.labels.narrow(out.labels, tag) | source.labels, machine.indexed(out.obj, tag), out.const
    )


def _element_of_container(
    machine: Machine, frame: Frame, box: Container, source: Value, tag: int, step: float
) -> Value:
    labels = machine.labels
    if box.is_dict and source.const != ("values",):
        keys = machine.heap.get((id(box), "keys"))
        content = 0 if box.is_record else machine.content(box)
        key_labels = labels.narrow(content | (keys.labels if keys else 0), tag)
        if source.const == ("items",):
            element = machine.heap.get((id(box), "element")) or NOTHING
            item = Value(
                labels.narrow(element.labels | source.labels, tag),
                machine.indexed(element.obj, tag),
                element.const,
            )
            return Value(tag, Fixed([Value(key_labels), item]))
        return Value(key_labels | source.labels)
    element = machine.heap.get((id(box), "element"))
    mask = labels.narrow(
        machine.content(box) | source.labels | (element.labels if element is not None else 0), tag
    )
    if element is None:
        return Value(mask)
    moved = tag | (machine.content(box) | source.labels) & labels.tags
    return Value(mask, machine.indexed(element.obj, moved), element.const)


def _iterate_instance(
    machine: Machine, frame: Frame, node: ast.AST, source: Value, obj: Instance, tag: int
) -> Value:
    """Iterate over an object of the submission through its `__iter__` or `__next__`."""
    from audits.facts.code.calls import call_value

    for name in ("__iter__", "__next__", "__getitem__"):
        method = obj.cls.find(name) if obj.cls is not None else None
        if method is not None and isinstance(method.obj, Function):
            bound = get_attribute(machine, frame, source, name)
            out = call_value(machine, frame, node, bound, [Value(tag)] if name == "__getitem__" else [], {})
            if name == "__iter__" and out.obj is not obj:
                return element_of(machine, frame, node, out, tag)
            if name != "__iter__":
                return Value(machine.labels.narrow(out.labels, tag), out.obj)
    return Value(machine.content(obj) | source.labels | tag)


def _each(machine: Machine, frame: Frame, node: Any) -> Value | None:
    """Return the row that `(f(part) for part in (a, b, c))` hands out, its parts kept apart."""
    from audits.facts.code.assignments import assign

    if not isinstance(node, ast.GeneratorExp) or len(node.generators) > 1 or node.generators[0].ifs:
        return None
    if not isinstance(node.generators[0].iter, ast.Call | ast.Tuple):
        return None
    source = evaluate(machine, frame, node.generators[0].iter)
    if not isinstance(source.obj, Fixed) or source.const == ("zip",) or not 1 < len(source.obj.items) <= FEW:
        return None
    saved, items = frame.env, []
    try:
        for item in source.obj.items:
            frame.env = dict(saved)
            assign(machine, frame, node.generators[0].target, item)
            items.append(evaluate(machine, frame, node.elt))
    finally:
        frame.env = saved
    return Value(source.labels, Fixed(items))


def run_comprehension(machine: Machine, frame: Frame, node: Any) -> Value:
    """Return the container a comprehension builds, its element evaluated once under fresh loops."""
    from audits.facts.code.assignments import assign
    from audits.facts.code.presumption import sort_path

    saved = frame.env
    row = _each(machine, frame, node)
    if row is not None:
        return row
    frame.env = dict(saved)
    opened = 0
    skip = False
    try:
        for generator in node.generators:
            source = evaluate(machine, frame, generator.iter)
            if _is_empty(machine, source):
                skip = True
                break
            number = machine.labels.new_loop()
            loop = Loop(number, machine.labels.tag(number, 1), False)
            item = element_of(machine, frame, generator, source, loop.tag, 1)
            if type(item.const) is int:
                item = Value(item.labels, item.obj)
            machine.loops.append(loop)
            opened += 1
            assign(machine, frame, generator.target, item)
            for condition in generator.ifs:
                evaluate(machine, frame, condition)
                if machine.presuming:
                    sort_path(machine, frame, condition, True)
        box = Container(is_dict=isinstance(node, ast.DictComp))
        element: Value | None = None
        if not skip:
            if isinstance(node, ast.DictComp):
                key = evaluate(machine, frame, node.key)
                element = evaluate(machine, frame, node.value)
                machine.put((id(box), "keys"), Value(key.labels))
            else:
                element = evaluate(machine, frame, node.elt)
    finally:
        for _ in range(opened):
            machine.loops.pop()
        frame.env = saved
    machine.track(box)
    box.filled = element is not None
    if element is not None:
        const = element.const if type(element.const) is not Later else UNKNOWN
        machine.put((id(box), "element"), Value(element.labels, element.obj, const))
    return Value(0, box)


for _kind in (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp):
    EXPRESSIONS[_kind] = run_comprehension
