"""What a call is given inside records: dataclasses and named tuples, alone or in lists and dictionaries."""

from __future__ import annotations

from audits.facts.code.machine import Machine
from audits.facts.code.values import Container, Instance, Value, objects

RECORDS_DEEP = 4
"""Records within records and lists that are looked into."""


def held(machine: Machine, value: Value, depth: int = 0) -> int:
    """Return the labels in the fields of records, and of records in lists and dictionaries."""
    out = 0
    for obj in objects(value):
        if isinstance(obj, Container) and depth < RECORDS_DEEP:
            element = machine.heap.get((id(obj), "element"))
            out |= held(machine, element, depth + 1) if element is not None else 0
        elif isinstance(obj, Instance) and obj.cls is not None and depth < RECORDS_DEEP:
            for name in obj.cls.field_names:
                field = machine.heap.get((id(obj), name))
                if field is not None:
                    out |= machine.mask(field) | held(machine, field, depth + 1)
    return out
