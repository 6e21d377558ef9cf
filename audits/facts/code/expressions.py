"""Expressions: constants are computed, everything else is a join of labels with a few sharp exceptions.

The exceptions carry the meaning: a slice narrows validation tokens, xor and mod make hashes, a comparison
of two scores is remembered, a quotient by ln 2 is a report.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from audits.facts.code import labels as lab
from audits.facts.code.arithmetic import _NUMBERS, _SIMPLE, combine
from audits.facts.code.attributes import get_attribute
from audits.facts.code.containers import add_element, make_list, put_key
from audits.facts.code.decisions import asks_for_a_count, compare, compare_chain, known, note_decision, truth
from audits.facts.code.machine import Machine
from audits.facts.code.memory import Frame
from audits.facts.code.values import (
    NONE,
    NOTHING,
    UNKNOWN,
    Container,
    External,
    Fixed,
    Function,
    Later,
    Value,
    join,
)

_NAME = ast.Name
_BEYOND = 100.0
"""No score is as high: what is compared with more than this is a best so far that is not there yet."""


def evaluate(machine: Machine, frame: Frame, node: ast.expr) -> Value:
    """Return the abstract value of an expression."""
    machine.budget -= 1
    if machine.budget < 0:
        machine.step()
    kind = type(node)
    if kind is _NAME:
        # Two of five expressions are names, and most of them local ones.
        found = frame.env.get(node.id)  # type: ignore[attr-defined]
        if found is not None:
            return found
    handler = EXPRESSIONS.get(kind)
    return handler(machine, frame, node) if handler is not None else NOTHING


def _constant(machine: Machine, frame: Frame, node: ast.Constant) -> Value:
    value = node.value
    if type(value) is not str:
        return NONE if value is None else Value(0, None, value)
    if 7 < len(value) < 81:
        note_text(machine, value)
    known_text = machine.literals.get(value)
    if known_text is None:
        known_text = machine.literals[value] = Value(path_labels(value), None, value)
    return known_text


def note_text(machine: Machine, text: str) -> None:
    """Remember a text that may be part of a log, with the switches it stands under wherever it is built."""
    texts = machine.trace.texts
    texts[text] = texts.get(text, machine.under) & machine.under


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
    if text.endswith(("/val.bin", "/val.npy", "/validation.bin", "/validation.npy")):
        return lab.PATH_VAL
    if text.endswith(("/train.bin", "/train.npy")):
        return lab.PATH_TRAIN
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
    return machine.builtins.attribute(node.id)


def _attribute(machine: Machine, frame: Frame, node: ast.Attribute) -> Value:
    return get_attribute(machine, frame, evaluate(machine, frame, node.value), node.attr)


def _binary(machine: Machine, frame: Frame, node: ast.BinOp) -> Value:
    left = evaluate(machine, frame, node.left)
    right = evaluate(machine, frame, node.right)
    return combine(machine, frame, node, node.op, left, right)


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
                if not is_and and value.const is True:
                    # `best is None or bpb < best`: the first one is let through as the later ones are.
                    value = Value(value.labels | _asked_later(machine, frame, node, part), value.obj, True)
                return (
                    value
                    if out is None
                    else Value(
                        out.labels | value.labels,
                        value.obj if out is None else None,
                        False if is_and else UNKNOWN,
                    )
                )
            if out is None and part is not node.values[-1]:
                continue
        out = value if out is None else join(out, value)
    return out if out is not None else NOTHING


def _asked_later(machine: Machine, frame: Frame, node: ast.BoolOp, part: ast.expr) -> int:
    """Return CHOSEN where a comparison of scores stands behind a part that already decides."""
    out = 0
    for other in node.values[node.values.index(part) + 1 :]:
        if isinstance(other, ast.Compare):
            out |= evaluate(machine, frame, other).labels & lab.CHOSEN
    return out


_ASKED = lab.TARGET | lab.PREFIX | lab.SUFFIX | lab.CHOSEN | lab.COUNTED
"""What a truth value keeps of the values that were compared."""


def _compare(machine: Machine, frame: Frame, node: ast.Compare) -> Value:
    left = evaluate(machine, frame, node.left)
    values = [evaluate(machine, frame, item) for item in node.comparators]
    if len(values) == 1:
        verdict = compare(node.ops[0], left, values[0])
        if isinstance(values[0].obj, External) and values[0].obj.path == "os.environ":
            verdict = _in_environment(machine, node.ops[0], left)
        if verdict is not None:
            return Value(left.labels | values[0].labels, None, verdict)
        if left.labels & machine.labels.knobs and isinstance(node.ops[0], ast.Eq):
            left = _as_choice(machine, left, values[0])
    labels = machine.labels
    lmask = machine.mask(left)
    mask, scored = lmask, bool(lmask & labels.scores)
    compared = False
    for value in values:
        rmask = machine.mask(value)
        compared = compared or scored and bool(rmask & labels.scores)
        mask |= rmask
    out = mask & (labels.tags | labels.lookups | labels.knobs | _ASKED)
    if mask & labels.scores and _lets_choose(machine, node, left, values[0]):
        out |= lab.CHOSEN
    out |= lab.SCORE_COMPARED | mask & labels.scores if compared else 0
    return Value(out, None, compare_chain(node.ops, [left, *values]))


def _as_choice(machine: Machine, left: Value, right: Value) -> Value:
    """Let an open switch that is compared with a word stand for that one choice (`mode == "lora"`, #548)."""
    knobs = left.labels & machine.labels.knobs
    if knobs.bit_count() != 1 or not isinstance(right.const, str) or not right.const:
        return left
    name = machine.labels.knob_info[knobs.bit_length() - 1].partition("=")[0]
    return Value(left.labels & ~knobs | machine.labels.knob(f"{name}={right.const}"))


def _lets_choose(machine: Machine, node: ast.Compare, left: Value, right: Value) -> bool:
    """Return whether `bpb < best` lets a score decide; against a literal it is a check."""
    if not isinstance(node.ops[0], ast.Lt | ast.LtE | ast.Gt | ast.GtE):
        return False
    if isinstance(node.left, ast.Name) and isinstance(node.comparators[0], ast.Name):
        return True
    masks = machine.mask(left), machine.mask(right)
    if not machine.is_result(masks[0] | masks[1]):
        return False
    return all(
        mask & machine.labels.scores
        or value.const is None
        or isinstance(value.const, int | float)
        and abs(value.const) >= _BEYOND
        for mask, value in zip(masks, (left, right), strict=True)
    )


def _in_environment(machine: Machine, op: ast.cmpop, name: Value) -> bool | None:
    """Decide `name in os.environ` and `name not in os.environ`."""
    from audits.facts.code.configuration import is_set

    there = is_set(machine, name.const)
    return None if there is None else there is isinstance(op, ast.In)


def _tuple(machine: Machine, frame: Frame, node: ast.Tuple | ast.List) -> Value:
    items = [
        evaluate(machine, frame, item.value if isinstance(item, ast.Starred) else item) for item in node.elts
    ]
    if isinstance(node, ast.Tuple):
        return Value(0, Fixed(items))
    return make_list(machine, items)


def _dict(machine: Machine, frame: Frame, node: ast.Dict) -> Value:
    box = machine.track(Container(is_dict=True))
    box.is_record = bool(node.keys) and all(isinstance(key, ast.Constant) for key in node.keys)
    element: Value | None = None
    for key, item in zip(node.keys, node.values, strict=True):
        value = evaluate(machine, frame, item)
        if key is None:
            machine.add_content(box, machine.mask(value))
            continue
        name = evaluate(machine, frame, key)
        if known(name) and isinstance(name.const, _SIMPLE):
            put_key(machine, box, name.const, value)
        element = value if element is None else join(element, value)
    if element is not None:
        machine.put((id(box), "element"), element)
    return Value(0, box)


def _set(machine: Machine, frame: Frame, node: ast.Set) -> Value:
    return make_list(machine, [evaluate(machine, frame, item) for item in node.elts])


def _lambda(machine: Machine, frame: Frame, node: ast.Lambda) -> Value:
    scopes = (frame.env, *frame.scopes)
    machine.closed_over.append(frame.env)
    defaults = {name: evaluate(machine, frame, value) for name, value in default_pairs(node.args)}
    return Value(0, Function(node, frame.module, scopes, None, None, defaults))


def default_pairs(arguments: ast.arguments) -> list[tuple[str, ast.expr]]:
    """Return (parameter, default expression) pairs."""
    positional = [*arguments.posonlyargs, *arguments.args]
    pairs = [
        (arg.arg, value)
        for arg, value in zip(
            positional[len(positional) - len(arguments.defaults) :], arguments.defaults, strict=True
        )
    ]
    pairs += [
        (arg.arg, value)
        for arg, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        if value is not None
    ]
    return pairs


def _conditional(machine: Machine, frame: Frame, node: ast.IfExp) -> Value:
    test = evaluate(machine, frame, node.test)
    verdict = truth(test)
    if verdict is not None:
        note_decision(machine, test)
        return evaluate(machine, frame, node.body if verdict else node.orelse)
    under = machine.under
    machine.under |= test.labels & machine.labels.knobs
    gated, scaled = asks_for_a_count(test, [node.orelse]), machine.scaled
    machine.gated, machine.scaled = machine.gated + gated, scaled and not gated
    body = evaluate(machine, frame, node.body)
    machine.gated, machine.scaled = machine.gated - gated, scaled
    out = join(body, evaluate(machine, frame, node.orelse))
    machine.under = under
    if test.labels & lab.CHOSEN:
        out = machine.decided(out)
    compared = test.labels & lab.SCORE_COMPARED and out.labels & machine.labels.scores
    # Of two results of whole evaluations one is shown: no token's loss is chosen (#304).
    if compared and not machine.is_result(out.labels | test.labels):
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
        if value.labels & machine.labels.knobs:
            note_value(machine, pieces, part, value)
        if isinstance(value.const, str | int) and len(pieces) < 64:
            pieces.append(str(value.const)[:2000])
        else:
            constant = False
            pieces.append("*")
    text = "".join(pieces)
    if machine.presuming and "bpb" in text.lower():
        shown = machine.presumed(frame, node, shown)
    if len(text) > 7 and isinstance(node.values[0], ast.Constant):
        note_text(machine, str(node.values[0].value)[:80])
    if shown & machine.labels.scores:
        machine.trace.prints.append((text, shown))
        telling = machine.labels.scores | machine.labels.conflicts | lab.MARKED
        if "bpb" in text.lower() and shown & telling & ~machine.reported:
            # Whatever formula made it (a helper out of reach, say): it is printed as bits per byte. A score
            # that was reported bare may be printed again with what was mixed into it (#2080).
            machine.report(frame, node, shown)
    return Value(mask | path_labels(text), None, text if constant else UNKNOWN)


def note_value(machine: Machine, pieces: list[str], part: ast.expr, value: Value) -> None:
    """Remember which text stands before the value of a switch: a log tells there how it was set."""
    knobs = value.labels & machine.labels.knobs
    plain = isinstance(part, ast.FormattedValue) and isinstance(part.value, ast.Name | ast.Attribute)
    if plain and pieces and knobs == value.labels and knobs.bit_count() == 1 and pieces[-1] != "*":
        machine.trace.stated[pieces[-1][-80:]] = machine.labels.knob_info[knobs.bit_length() - 1]


def _starred(machine: Machine, frame: Frame, node: ast.Starred) -> Value:
    return evaluate(machine, frame, node.value)


def _walrus(machine: Machine, frame: Frame, node: ast.NamedExpr) -> Value:
    value = evaluate(machine, frame, node.value)
    frame.env[node.target.id] = value
    return value


def _await(machine: Machine, frame: Frame, node: ast.Await) -> Value:
    return evaluate(machine, frame, node.value)


def _yield(machine: Machine, frame: Frame, node: ast.Yield | ast.YieldFrom) -> Value:
    from audits.facts.code.iteration import element_of

    value = evaluate(machine, frame, node.value) if node.value is not None else NONE
    if isinstance(node, ast.YieldFrom):
        value = element_of(machine, frame, node, value, 0)
    box = frame.env.get(" yielded")
    if box is None or not isinstance(box.obj, Container):
        box = frame.env[" yielded"] = Value(0, machine.track(Container()))
    add_element(machine, box.obj, value)
    return NOTHING


EXPRESSIONS: dict[type, Callable[[Machine, Frame, Any], Value]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.BoolOp: _boolean,
    ast.Compare: _compare,
    ast.Tuple: _tuple,
    ast.List: _tuple,
    ast.Dict: _dict,
    ast.Set: _set,
    ast.Lambda: _lambda,
    ast.IfExp: _conditional,
    ast.JoinedStr: _formatted,
    ast.Starred: _starred,
    ast.NamedExpr: _walrus,
    ast.Await: _await,
    ast.Yield: _yield,
    ast.YieldFrom: _yield,
}
"""By kind of node. Calls, subscripts and comprehensions call back into this file and add themselves."""
