"""Gradients, optimiser steps and in-place writes: how trainable things come to depend on tokens."""

from __future__ import annotations

import ast

from audits.facts.code import labels as lab
from audits.facts.code.events import Learner, UpdateKind
from audits.facts.code.machine import Machine
from audits.facts.code.memory import Frame
from audits.facts.code.values import Buffer, HeapObject, Net, Part, Value


def learner_of(machine: Machine, owner: object) -> Learner:
    """Return what kind of thing a trainable owner is."""
    if isinstance(owner, Net):
        return Learner.ADAPTER if owner.low_rank else Learner.MODEL
    return Learner.FREE_TENSOR if isinstance(owner, Buffer) else Learner.UNKNOWN


def backward(machine: Machine, mask: int) -> None:
    """Let every trainable thing a loss depends on have a gradient that depends on what the loss saw."""
    kept = lab.TRAIN | lab.PREFIX | lab.SUFFIX | lab.OVERLAPPING
    data = mask & (machine.labels.vals | machine.labels.states | kept)
    for bit in lab.bit_numbers(mask & machine.labels.scores):
        machine.labels.score_info[bit].trained_on = True
    for bit in lab.bit_numbers(mask & machine.labels.params):
        key = ("gradient", bit)
        old = machine.heap.get(key, 0)
        if old | data != old:
            machine.put(key, old | data)


def zero_gradients(machine: Machine, params: int) -> None:
    """Forget the gradients of the given trainable things."""
    for bit in lab.bit_numbers(params & machine.labels.params):
        if machine.heap.get(("gradient", bit)):
            machine.put(("gradient", bit), 0)


def step(machine: Machine, frame: Frame, node: ast.AST, params: int) -> None:
    """Apply pending gradients to the trainable things of an optimiser."""
    for bit in lab.bit_numbers(params & machine.labels.params):
        data = machine.heap.get(("gradient", bit), 0)
        if not data & (machine.labels.vals | machine.labels.states):
            continue
        owner = machine.labels.param_info[bit]
        if isinstance(owner, HeapObject):
            absorb(machine, frame, node, owner, data, UpdateKind.OPTIMISER)


def absorb(
    machine: Machine, frame: Frame, node: ast.AST, owner: HeapObject, mask: int, kind: UpdateKind
) -> None:
    """Make a trainable thing depend on what it learned from."""
    shared = isinstance(owner, Buffer) and owner.batch_shared and not one_window(machine, mask)
    learned = machine.learned(
        frame, node, mask, kind, learner_of(machine, owner), shared=shared, owner=machine.labels.param(owner)
    )
    old = machine.content(owner)
    if old | learned != old:
        machine.version += 1
        machine.add_content(owner, learned)


def hang(machine: Machine, net: Net, name: str, value: Value) -> None:
    """Remember tensors that are put on a net to be trained: what it computes depends on them (#1366)."""
    if (
        name in net.hung
        or net in machine.running_nets
        or net.cls is None
        or isinstance(value.obj, Net | Part)
    ):
        return
    owners = (
        machine.labels.param_info[bit] for bit in lab.bit_numbers(machine.mask(value) & machine.labels.params)
    )
    if any(isinstance(owner, Buffer) for owner in owners) and net.cls.speaks_of(name):
        net.hung.add(name)


def hung(machine: Machine, net: Net) -> int:
    """Return the labels of the trained tensors that hang on a net."""
    out = 0
    for name in net.hung:
        value = machine.heap.get((id(net), name))
        if value is not None:
            out |= machine.mask(value) & (machine.labels.params | machine.labels.states)
    return out


def one_window(machine: Machine, mask: int) -> bool:
    """Return whether tokens come one window a pass: no loop inside the pass has gathered several (#1418)."""
    labels = machine.labels
    open_loops = {loop.number for loop in machine.loops}
    for tags in labels.val_tag_sets(mask):
        numbers = {labels.tag_info[bit][0] for bit in lab.bit_numbers(tags)}
        cutting = numbers & open_loops
        if not cutting or any(number > max(cutting) for number in numbers - open_loops):
            return False
    return bool(mask & labels.vals)


def update_net(machine: Machine, frame: Frame, node: ast.AST, net: Net, mask: int, kind: UpdateKind) -> None:
    """Write values into a net's weights in place."""
    if mask & (machine.labels.vals | machine.labels.states):
        by_hand = kind is UpdateKind.IN_PLACE and mask & lab.GRADIENT
        absorb(machine, frame, node, net, mask, UpdateKind.GRADIENT if by_hand else kind)


def overwrite(machine: Machine, frame: Frame, node: ast.AST, part: Part, mask: int) -> None:
    """Write over a parameter; over every one of a net in turn, that restores the net (#1300).

    A copy that is itself trained brings back what was learned, and not what was there before (#1320).
    """
    owners = (machine.labels.param_info[bit] for bit in lab.bit_numbers(mask & machine.labels.params))
    trained = any(isinstance(owner, Buffer) for owner in owners)
    learning = trained or mask & (machine.labels.vals | lab.GRADIENT)
    if machine.loops and not part.path and not learning and part.net not in machine.running_nets:
        load_weights(machine, frame, node, part.net, mask)
    else:
        update_net(machine, frame, node, part.net, mask, UpdateKind.IN_PLACE)


def load_weights(machine: Machine, frame: Frame, node: ast.AST, net: Net, mask: int) -> None:
    """Replace a net's weights: what it had learned before is gone, what the new ones carry is there."""
    labels = machine.labels
    learned = machine.learned(
        frame, node, mask, UpdateKind.LOADED, learner_of(machine, net), owner=labels.param(net)
    )
    chosen = lab.CHOSEN if machine.choosing else mask & lab.CHOSEN
    if chosen:
        machine.mark(frame, node, lab.CHOSEN)
    kept = mask & (labels.lineages | lab.ARTIFACT | lab.UNSAVED)
    old = machine.content(net)
    if old & lab.ARTIFACT and not kept & lab.ARTIFACT and mask & (labels.params | labels.lineages):
        machine.mark(frame, node, lab.UNSAVED)
        kept |= lab.UNSAVED
    carried = learned | chosen | kept | labels.lineage(mask & labels.params)
    new = carried & ~labels.lineage(labels.param(net))
    if new != old:
        if (new & labels.states) & ~old:
            machine.version += 1
        machine.put((id(net), ""), new)
