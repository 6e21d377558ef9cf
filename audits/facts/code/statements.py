"""Statements: order of execution, branches by what is known, loops by passes."""

from __future__ import annotations

import ast
from collections.abc import Callable
from functools import partial
from typing import Any

from audits.facts.code import labels as lab
from audits.facts.code.arithmetic import combine
from audits.facts.code.assignments import assign
from audits.facts.code.attributes import get_attribute
from audits.facts.code.containers import add_element
from audits.facts.code.counters import advance, counts_up, own_counters
from audits.facts.code.decisions import asks_for_a_count, note_decision, truth
from audits.facts.code.events import Learner, UpdateKind
from audits.facts.code.expressions import default_pairs, evaluate
from audits.facts.code.iteration import _is_empty, element_of
from audits.facts.code.machine import Machine
from audits.facts.code.memory import BREAK, CONTINUE, NORMAL, RAISE, RETURN, Frame
from audits.facts.code.overlaps import note_strides
from audits.facts.code.subscripts import store_subscript
from audits.facts.code.unrolling import choice_of_receiver, named_rows, unrolled
from audits.facts.code.updates import update_net
from audits.facts.code.values import (
    NONE,
    NOTHING,
    Buffer,
    Class,
    Container,
    External,
    Function,
    Imported,
    Net,
    Part,
    Value,
    join,
    objects,
)


def execute(machine: Machine, frame: Frame, body: list[ast.stmt]) -> int:
    """Run a block; return how control leaves it."""
    for node in body:
        machine.budget -= 1
        if machine.budget < 0:
            machine.step()
        handler = STATEMENTS.get(type(node))
        if handler is not None:
            flow = handler(machine, frame, node)
            if flow:
                return flow
    return NORMAL


def _expression(machine: Machine, frame: Frame, node: ast.Expr) -> int:
    chosen = choice_of_receiver(machine, node)
    if chosen is not None:
        return _if(machine, frame, chosen)
    evaluate(machine, frame, node.value)
    return NORMAL


def _assign(machine: Machine, frame: Frame, node: ast.Assign) -> int:
    value = evaluate(machine, frame, node.value)
    if machine.choosing:
        value = machine.decided(value)
    for target in node.targets:
        if (
            isinstance(node.value, ast.BinOp)
            and isinstance(target, ast.Name)
            and counts_up(node.value, target.id)
        ):
            value = advance(machine, value)
        assign(machine, frame, target, value)
    return NORMAL


def _annotated(machine: Machine, frame: Frame, node: ast.AnnAssign) -> int:
    if node.value is not None:
        value = evaluate(machine, frame, node.value)
        assign(machine, frame, node.target, machine.decided(value) if machine.choosing else value)
    return NORMAL


def _augmented(machine: Machine, frame: Frame, node: ast.AugAssign) -> int:
    value = evaluate(machine, frame, node.value)
    target = node.target
    if isinstance(target, ast.Subscript):
        store_subscript(machine, frame, target, value, augmented=True)
        return NORMAL
    old = evaluate(machine, frame, target)
    found = objects(old)
    if len(found) == 1 and isinstance(found[0], Buffer):
        _augment_buffer(machine, frame, node, found[0], old, value)
        return NORMAL
    if len(found) == 1 and isinstance(found[0], Container):
        item = element_of(machine, frame, node, value, 0)
        add_element(machine, found[0], item)
        return NORMAL
    if len(found) == 1 and isinstance(found[0], Part | Net):
        net = found[0].net if isinstance(found[0], Part) else found[0]
        update_net(machine, frame, node, net, machine.mask(value), UpdateKind.IN_PLACE)
        return NORMAL
    new = combine(machine, frame, node, node.op, old, value)
    if isinstance(node.op, ast.Add | ast.Sub):
        new = advance(machine, new)
    assign(machine, frame, target, new)
    return NORMAL


def _augment_buffer(
    machine: Machine, frame: Frame, node: ast.AugAssign, buffer: Buffer, old: Value, value: Value
) -> None:
    """Perform `buffer op= value` in place."""
    mask = machine.mask(value)
    if mask & lab.COUNTS and mask & machine.labels.vals:
        learned = machine.learned(frame, node, mask, UpdateKind.TABLE, Learner.TABLE)
        if machine.content(buffer) | learned != machine.content(buffer):
            machine.version += 1
        mask = learned | mask & ~machine.labels.vals
    result = combine(machine, frame, node, node.op, Value(old.labels | machine.content(buffer)), Value(mask))
    machine.add_content(buffer, result.labels)


def _if(machine: Machine, frame: Frame, node: ast.If) -> int:
    test = evaluate(machine, frame, node.test)
    verdict = truth(test)
    if verdict is not None:
        if _gives_up(node.body if verdict else node.orelse):
            # The run that is claimed came to its end, whatever is believed of its knobs here.
            verdict = not verdict
        note_decision(machine, test)
        if not machine.could_learn_elsewhere:
            _judge_skipped(machine, frame, node.orelse if verdict else node.body)
    chosen = 1 if test.labels & lab.CHOSEN else 0
    under = machine.under
    machine.choosing += chosen
    machine.under |= test.labels & machine.labels.knobs
    try:
        if verdict is not None:
            return execute(machine, frame, node.body if verdict else node.orelse)
        if machine.presuming:
            return machine.branch(
                frame, [partial(_sorted, machine, frame, node, holds) for holds in (True, False)]
            )
        counted = asks_for_a_count(test, node.orelse)
        alternatives: list[Callable[[], int]] = [lambda: _body(machine, frame, node, counted)]
        alternatives.append(lambda: _otherwise(machine, frame, node, under))
        return machine.branch(frame, alternatives)
    finally:
        machine.choosing -= chosen
        machine.under = under


def _body(machine: Machine, frame: Frame, node: ast.If, counted: bool) -> int:
    """Run the branch that a condition opens; `counted`: it asks for a count of the target."""
    scaled = machine.scaled
    machine.gated, machine.scaled = machine.gated + counted, scaled and not counted
    try:
        return execute(machine, frame, node.body)
    finally:
        machine.gated, machine.scaled = machine.gated - counted, scaled


def _sorted(machine: Machine, frame: Frame, node: ast.If, holds: bool) -> int:
    from audits.facts.code.presumption import sort_path

    sort_path(machine, frame, node.test, holds)
    return execute(machine, frame, node.body if holds else node.orelse)


def _otherwise(machine: Machine, frame: Frame, node: ast.If, under: int) -> int:
    """Run the other branch: that a choice was not made tells nothing of what was chosen."""
    chosen = machine.under
    machine.under = under | chosen & ~machine.labels.choices
    try:
        return execute(machine, frame, node.orelse)
    finally:
        machine.under = chosen


def _gives_up(block: list[ast.stmt]) -> bool:
    """Return whether a branch ends the run with an error."""
    return bool(block) and isinstance(block[-1], ast.Raise)


def _judge_skipped(machine: Machine, frame: Frame, block: list[ast.stmt]) -> None:
    """Note when a block decided against could learn: only then are dormant patterns worth a reading."""
    from audits.facts.code.relevance import learns, words

    if not block or id(block) in machine.judged_blocks:
        return
    machine.judged_blocks.add(id(block))
    text = "\n".join(frame.module.lines[block[0].lineno - 1 : block[-1].end_lineno])
    machine.could_learn_elsewhere = learns(text) or bool(words(text) & machine.learning)


def _for(machine: Machine, frame: Frame, node: ast.For | ast.AsyncFor) -> int:
    source = evaluate(machine, frame, node.iter)

    def bind(step: float, tag: int) -> None:
        own_counters(machine, frame, node, step, tag)
        note_strides(machine, frame, node)
        assign(machine, frame, node.target, element_of(machine, frame, node, source, tag, step))

    if _is_empty(machine, source):
        return execute(machine, frame, node.orelse)
    rows = named_rows(machine, frame, node, source)
    if rows is not None:
        return unrolled(machine, frame, node, rows)
    once = type(source.const) is tuple and source.const[2:] == (1,)
    flow = machine.run_loop(frame, bind, node.body, False, execute, once)
    return flow or execute(machine, frame, node.orelse)


def _while(machine: Machine, frame: Frame, node: ast.While) -> int:
    test = evaluate(machine, frame, node.test)
    if truth(test) is False:
        return NORMAL

    def bind(step: float, tag: int) -> None:
        if step > 1:
            evaluate(machine, frame, node.test)
        own_counters(machine, frame, node, step, tag)
        note_strides(machine, frame, node)

    flow = machine.run_loop(frame, bind, node.body, True, execute)
    return flow if flow in (RETURN, RAISE) else NORMAL


def _with(machine: Machine, frame: Frame, node: ast.With | ast.AsyncWith) -> int:
    for item in node.items:
        value = evaluate(machine, frame, item.context_expr)
        if item.optional_vars is not None:
            assign(machine, frame, item.optional_vars, value)
    return execute(machine, frame, node.body)


def _try(machine: Machine, frame: Frame, node: ast.Try) -> int:
    flow = execute(machine, frame, node.body)
    if flow == NORMAL and node.orelse:
        flow = execute(machine, frame, node.orelse)
    for handler in node.handlers:
        if handler.name:
            frame.env[handler.name] = NOTHING
        alternatives: list[Callable[[], int]] = [lambda: NORMAL]
        alternatives.append(lambda handler=handler: execute(machine, frame, handler.body))  # type: ignore[misc]
        caught = machine.branch(frame, alternatives)
        if flow in (RETURN, RAISE) and caught == NORMAL and flow == RAISE:
            flow = NORMAL
    if node.finalbody:
        flow = execute(machine, frame, node.finalbody) or flow
    return flow


def _return(machine: Machine, frame: Frame, node: ast.Return) -> int:
    value = evaluate(machine, frame, node.value) if node.value is not None else NONE
    frame.result = value if frame.result is None else join(frame.result, value)
    return RETURN


def _raise(machine: Machine, frame: Frame, node: ast.Raise) -> int:
    return RAISE


def _break(machine: Machine, frame: Frame, node: ast.Break) -> int:
    return BREAK


def _continue(machine: Machine, frame: Frame, node: ast.Continue) -> int:
    return CONTINUE


def _function(machine: Machine, frame: Frame, node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    scopes = (frame.env, *frame.scopes) if frame.function else ()
    if scopes:
        machine.closed_over.append(frame.env)
    defaults = {name: evaluate(machine, frame, value) for name, value in default_pairs(node.args)}
    frame.env[node.name] = Value(0, Function(node, frame.module, scopes, None, None, defaults))
    return NORMAL


def class_kind(bases: list[Value]) -> str:
    """Return `net`, `optimiser`, `autograd` or `plain` for a class with these bases."""
    for base in bases:
        obj = base.obj
        if isinstance(obj, Class) and obj.kind != "plain":
            return obj.kind
        if isinstance(obj, External):
            path = obj.path
            if "autograd" in path and obj.last == "Function":
                return "autograd"
            if "optim" in path and obj.last[:1].isupper():
                return "optimiser"
            if ".nn" in path and obj.last[:1].isupper():
                return "net"
            if obj.last == "Enum" or obj.last == "NamedTuple":
                return "plain"
    return "plain"


def _class(machine: Machine, frame: Frame, node: ast.ClassDef) -> int:
    bases = [evaluate(machine, frame, base) for base in node.bases]
    cls = Class(node, frame.module, bases, class_kind(bases))
    scopes = (frame.env, *frame.scopes) if frame.function else ()
    inner = Frame(frame.module, cls.attrs, (frame.env, *frame.scopes), frame.function)
    for item in node.body:
        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef):
            defaults = {name: evaluate(machine, inner, value) for name, value in default_pairs(item.args)}
            cls.attrs[item.name] = Value(0, Function(item, frame.module, scopes, cls, None, defaults))
        else:
            execute(machine, inner, [item])
            if inner.env is not cls.attrs:
                cls.attrs.update(inner.env)
                inner.env = cls.attrs
    frame.env[node.name] = Value(0, cls)
    return NORMAL


def _delete(machine: Machine, frame: Frame, node: ast.Delete) -> int:
    """Take off what hung on a net; other deletions say nothing of what was kept before."""
    for target in node.targets:
        if isinstance(target, ast.Attribute):
            for obj in objects(evaluate(machine, frame, target.value)):
                if isinstance(obj, Net) and target.attr in obj.hung:
                    machine.put((id(obj), target.attr), NONE)
    return NORMAL


def _global(machine: Machine, frame: Frame, node: ast.Global) -> int:
    frame.global_names.update(node.names)
    return NORMAL


def _nonlocal(machine: Machine, frame: Frame, node: ast.Nonlocal) -> int:
    frame.outer_names.update(node.names)
    return NORMAL


def _import(machine: Machine, frame: Frame, node: ast.Import) -> int:
    from audits.facts.code.imports import import_module

    for alias in node.names:
        value = import_module(machine, alias.name)
        top = alias.name.split(".")[0]
        frame.env[alias.asname or top] = (
            value if alias.asname or value.obj.__class__ is Imported else Value(0, External(top))
        )
    return NORMAL


def _import_from(machine: Machine, frame: Frame, node: ast.ImportFrom) -> int:
    from audits.facts.code.imports import import_module

    source = import_module(machine, node.module or "")
    for alias in node.names:
        if alias.name == "*":
            if isinstance(source.obj, Imported):
                frame.env.update({k: v for k, v in source.obj.module.env.items() if not k.startswith("__")})
            continue
        frame.env[alias.asname or alias.name] = get_attribute(machine, frame, source, alias.name)
    return NORMAL


def _match(machine: Machine, frame: Frame, node: ast.Match) -> int:
    evaluate(machine, frame, node.subject)
    return machine.branch(frame, [partial(execute, machine, frame, case.body) for case in node.cases])


STATEMENTS: dict[type, Callable[[Machine, Frame, Any], int]] = {
    ast.Expr: _expression,
    ast.Assign: _assign,
    ast.AnnAssign: _annotated,
    ast.AugAssign: _augmented,
    ast.If: _if,
    ast.For: _for,
    ast.AsyncFor: _for,
    ast.While: _while,
    ast.With: _with,
    ast.AsyncWith: _with,
    ast.Try: _try,
    ast.Return: _return,
    ast.Raise: _raise,
    ast.Break: _break,
    ast.Continue: _continue,
    ast.FunctionDef: _function,
    ast.AsyncFunctionDef: _function,
    ast.ClassDef: _class,
    ast.Delete: _delete,
    ast.Global: _global,
    ast.Nonlocal: _nonlocal,
    ast.Import: _import,
    ast.ImportFrom: _import_from,
    ast.Match: _match,
}
