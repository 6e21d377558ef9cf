"""The last reading, where no score was met: an argument, a file name or a report says what a value is.

Promises nothing to scripts that the other readings could follow: none of this applies to them. A loss is only
presumed where nothing was learned, since the order was not seen.
"""

from __future__ import annotations

import ast

from audits.facts.code import labels as lab
from audits.facts.code.calls import call_function
from audits.facts.code.machine import Machine
from audits.facts.code.memory import Frame
from audits.facts.code.values import Args, Class, Container, Fixed, Function, Kwargs, Module, Value

_SPLITS = {"val": lab.PATH_VAL, "valid": lab.PATH_VAL, "validation": lab.PATH_VAL, "train": lab.PATH_TRAIN}


def from_split(machine: Machine, args: Args, kwargs: Kwargs, result: Value) -> Value:
    """Return what a loader gives that is asked for a split by its name (`batches(tokenizer, 8, "val")`)."""
    asked = 0
    for value in (*args, *kwargs.values()):
        if isinstance(value.const, str):
            asked |= _SPLITS.get(value.const.lower(), 0)
    labels = machine.labels
    if asked not in (lab.PATH_VAL, lab.PATH_TRAIN) or machine.mask(result) & (labels.vals | lab.TRAIN):
        return result
    return labelled(machine, result, labels.val(0) if asked == lab.PATH_VAL else lab.TRAIN)


def labelled(machine: Machine, value: Value, mask: int, depth: int = 0) -> Value:
    """Return a value that holds what `mask` says, in each of its elements."""
    obj = value.obj
    if isinstance(obj, Fixed) and depth < 3:
        return Value(value.labels, Fixed([labelled(machine, item, mask, depth + 1) for item in obj.items]))
    if isinstance(obj, Container):
        machine.add_content(obj, mask)
        element = machine.heap.get((id(obj), "element"))
        if element is not None and depth < 3:
            machine.put((id(obj), "element"), labelled(machine, element, mask, depth + 1))
        return value
    if isinstance(obj, Function | Class):
        return value
    return Value(value.labels | mask, obj, value.const)


def told_apart(test: ast.expr) -> tuple[str, int, int] | None:
    """Return the name of a path that a test sorts (`"val" in path.name`): what it is then, and what else."""
    if not isinstance(test, ast.Compare) or not isinstance(test.ops[0], ast.In | ast.NotIn):
        return None
    word, path = test.left, test.comparators[0]
    asked = _SPLITS.get(str(word.value).strip("_").lower(), 0) if isinstance(word, ast.Constant) else 0
    while isinstance(path, ast.Attribute | ast.Call | ast.Subscript):
        path = path.func if isinstance(path, ast.Call) else path.value
    if not asked or not isinstance(path, ast.Name):
        return None
    other = lab.PATH_TRAIN if asked == lab.PATH_VAL else lab.PATH_VAL
    return (path.id, asked, other) if isinstance(test.ops[0], ast.In) else (path.id, other, asked)


def sort_path(machine: Machine, frame: Frame, test: ast.expr, holds: bool) -> None:
    """Let the path that a test sorts be of one split where the test is known to hold, or not to."""
    told = told_apart(test)
    value = frame.env.get(told[0]) if told else None
    if told is None or value is None or machine.mask(value) & (machine.labels.vals | lab.TRAIN):
        return
    kept = value.labels & ~(lab.PATH_VAL | lab.PATH_TRAIN)
    frame.env[told[0]] = Value(kept | (told[1] if holds else told[2]), value.obj, value.const)


def cut_in_two(machine: Machine, frame: Frame, node: ast.Subscript, mask: int) -> int:
    """Return what a piece of a single data file is: `data[:n]` is for training, `data[n:]` is not (#1304)."""
    part = node.slice
    if machine.loops or not isinstance(part, ast.Slice) or part.step is not None:
        return mask
    data = ast.unparse(node.value)
    if part.upper is not None and not isinstance(part.upper, ast.Constant | ast.UnaryOp):
        end = (frame.function, data, ast.unparse(part.upper))
        if part.lower is None:
            machine.split_at.add(end)
            return mask & ~lab.UNSORTED | lab.TRAIN
    else:
        end = None
    if part.lower is None or (frame.function, data, ast.unparse(part.lower)) not in machine.split_at:
        return mask
    if end is not None:
        machine.split_at.add(end)
    return mask & ~lab.UNSORTED | machine.labels.val(0)


def call_idle(machine: Machine, module: Module) -> None:
    """Call the functions of the main module that nothing has named: a framework enters the script there."""
    said = {node.id for node in ast.walk(module.tree) if isinstance(node, ast.Name)}
    said |= {node.attr for node in ast.walk(module.tree) if isinstance(node, ast.Attribute)}
    frame = Frame(module, module.env, (), "")
    for name, value in list(module.env.items()):
        if name in said or not isinstance(value.obj, Function) or value.obj.module is not module:
            continue
        call_function(machine, frame, value.obj, [], {}, value.obj.node)
