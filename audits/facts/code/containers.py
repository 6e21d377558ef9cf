"""Lists, sets and dicts: what is put into them."""

from __future__ import annotations

from collections.abc import Iterable

from audits.facts.code import labels as lab
from audits.facts.code.machine import Machine
from audits.facts.code.values import Container, Fixed, HeapObject, Value, join, objects


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


def add_element(machine: Machine, box: Container, value: Value) -> None:
    """Put one more element into a container."""
    old = machine.heap.get((id(box), "element"))
    if value.labels & lab.COUNTED:
        # A count that was raised is one of many again.
        value = Value(value.labels & ~lab.COUNTED, value.obj, value.const)
    new = value if old is None else join(old, value)
    if old is None or new.labels != old.labels or new.obj is not old.obj or new.const is not old.const:
        machine.put((id(box), "element"), new)
    if machine.heap.get((id(box), "literal")) is not None:
        machine.put((id(box), "literal"), None)


def put_key(machine: Machine, box: Container, key: object, value: Value) -> None:
    """Store a value under a known key of a dictionary."""
    box.keyed[key] = None
    machine.put((id(box), ("key", key)), value)


def copy_entries(machine: Machine, source: Container, box: Container) -> None:
    """Put into a dictionary what another one holds."""
    for part in ("element", "keys"):
        known = machine.heap.get((id(source), part))
        if known is not None:
            machine.put((id(box), part), known)
    for key in source.keyed:
        known = machine.heap.get((id(source), ("key", key)))
        if known is not None:
            put_key(machine, box, key, known)


def join_keys(machine: Machine, box: Container, keys: Iterable[object], value: Value) -> None:
    """Let the values under some keys be this one as well: it was added to them, or its key is not known."""
    for key in keys:
        old = machine.heap.get((id(box), ("key", key)))
        if old is not None:
            new = join(old, value)
            machine.put((id(box), ("key", key)), Value(new.labels, new.obj))


def heap_object(value: Value) -> HeapObject | None:
    """Return the single heap object of a value, if it has one."""
    found = [item for item in objects(value) if isinstance(item, HeapObject)]
    return found[0] if len(found) == 1 else None
