"""Choices by score: what is picked because a validation score was better with it is marked as chosen.

Speaks of results only, scores whose loops are over: which tokens of a batch did better is another matter.
"""

from __future__ import annotations

import ast

from audits.facts.code import labels as lab
from audits.facts.code.calls import call_value, opaque, union
from audits.facts.code.containers import make_list
from audits.facts.code.iteration import element_of
from audits.facts.code.machine import Machine
from audits.facts.code.memory import Frame
from audits.facts.code.values import Args, Bound, Container, External, Fixed, Function, Kwargs, Partial, Value


def best_of(
    machine: Machine, frame: Frame, node: ast.AST, args: Args, kwargs: Kwargs, *, every: bool = False
) -> Value | None:
    """Return what `min`, `max` or `sorted` (`every`) pick by a score, None if they do not."""
    if len(args) != 1 or not machine.mask(args[0]) & machine.labels.scores and "key" not in kwargs:
        return None
    candidate = element_of(machine, frame, node, args[0], 0)
    key = kwargs.get("key")
    if key is not None and isinstance(key.obj, Function | Bound | Partial):
        told = call_value(machine, frame, node, key, [candidate], {})
    else:
        told = (
            candidate.obj.items[0] if isinstance(candidate.obj, Fixed) and candidate.obj.items else candidate
        )
    mask = machine.mask(told)
    if not mask & machine.labels.scores or not machine.is_result(mask):
        return None
    picked = machine.decided(Value(candidate.labels, candidate.obj))
    return make_list(machine, [picked]) if every else picked


def sort_by_score(
    machine: Machine, frame: Frame, node: ast.AST, receiver: Value, name: str, args: Args, kwargs: Kwargs
) -> Value | None:
    """`list.sort`: in the order of a score, what stands first was chosen by it."""
    box = receiver.obj
    if isinstance(box, Container) and not box.is_dict:
        ordered = best_of(machine, frame, node, [receiver], kwargs)
        if ordered is not None:
            machine.put((id(box), "element"), ordered)
            machine.put((id(box), "literal"), None)
    return None


def position_of_best(
    machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs
) -> Value:
    """`argmin` and its like: over results, the position that they give was chosen."""
    mask = union(machine, args, kwargs)
    if mask & machine.labels.scores and machine.is_result(mask):
        return Value(mask & machine.labels.tags | lab.CHOSEN)
    return opaque(machine, frame, node, 0, args, kwargs)
