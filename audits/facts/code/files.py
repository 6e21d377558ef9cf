"""Files: what a path says about its content, and what the script itself wrote there."""

from __future__ import annotations

import ast

from audits.facts.code import labels as lab
from audits.facts.code.calls import union
from audits.facts.code.containers import heap_object
from audits.facts.code.expressions import path_labels
from audits.facts.code.machine import Machine
from audits.facts.code.memory import Frame
from audits.facts.code.values import NONE, NOTHING, Args, Buffer, External, File, Kwargs, Value


def read_data(
    machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs
) -> Value:
    """Read a file of tokens or weights."""
    source = args[0] if args else NOTHING
    in_memory = func.last.replace("_", "") == "frombuffer"
    return Value(read_mask(machine, union(machine, args, kwargs), source, in_memory=in_memory))


def read_mask(machine: Machine, mask: int, source: Value, *, in_memory: bool = False) -> int:
    """Return the labels of what a path or file holds, or bytes that were read before."""
    labels = machine.labels
    path = source.obj.path if isinstance(source.obj, File) else source.const
    out = mask & ~(lab.PATH_VAL | lab.PATH_TRAIN | lab.BYTES_FILE)
    if isinstance(path, str):
        mask |= path_labels(path)
    moving = machine.moving()
    if mask & lab.PATH_VAL:
        out |= lab.PIECES if mask & lab.BYTES_FILE else labels.val((mask | moving) & labels.tags)
    elif mask & lab.PATH_TRAIN:
        out |= lab.TRAIN
    elif not in_memory:
        stored = machine.files.get(path if isinstance(path, str) else "?", 0) | machine.files.get("?", 0)
        if stored:
            out |= stored | lab.ARTIFACT
        elif machine.presuming:
            out |= lab.UNSORTED
    return out | moving


def write_data(machine: Machine, mask: int, target: Value, *, text: bool = False) -> None:
    """Remember what a file was given."""
    path = target.obj.path if isinstance(target.obj, File) else target.const
    key = path if isinstance(path, str) else "?"
    # A report in a file of unknown name is not taken for the weights that are read from another (#1816).
    text = text or isinstance(target.obj, File) and target.obj.text
    if mask & machine.labels.scores or text and key == "?":
        return
    machine.saved_again = machine.saved_again or bool(mask & lab.UNSAVED)
    kept = mask & (
        machine.labels.vals
        | machine.labels.states
        | machine.labels.params
        | machine.labels.lineages
        | lab.TRAIN
        | lab.CHOSEN
    )
    if machine.choosing and key != "?":
        kept |= lab.CHOSEN
    machine.files[key] = machine.files.get(key, 0) | kept


def dump(machine: Machine, mask: int, target: Value) -> None:
    """`array.tofile`: raw numbers, losses among them, that another process is to read (#1850)."""
    path = target.obj.path if isinstance(target.obj, File) else target.const
    key = path if isinstance(path, str) else "?"
    machine.files[key] = machine.files.get(key, 0) | mask & ~lab.NEXT_INDEX


def save(machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs) -> Value:
    """`torch.save(obj, path)` and numpy's `save(path, array)`."""
    if len(args) < 2:
        return NONE
    target, data = (
        (args[1], args[0]) if func.path.startswith("torch") or "dump" in func.last else (args[0], args[1])
    )
    mask = machine.mask(data)
    write_data(machine, mask, target)
    obj = heap_object(target)
    if obj is not None and not isinstance(obj, File):
        machine.add_content(obj, mask)
    return NONE


def open_file(
    machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs
) -> Value:
    """Open a file or make a path."""
    if not args:
        return Value()
    first = args[0]
    if isinstance(first.obj, File):
        return Value(first.labels, reopened(machine, first.obj, writes_text(args, kwargs)))
    file = machine.track(File(first.const if isinstance(first.const, str) else "?"))
    file.text = writes_text(args, kwargs)
    return Value(union(machine, args[:1], {}), file)


def reopened(machine: Machine, path: File, text: bool) -> File:
    """Return the file at a path, open for writing text if so asked."""
    if not text:
        return path
    file: File = machine.track(File(path.path))
    file.text = True
    return file


def writes_text(args: Args, kwargs: Kwargs) -> bool:
    """Return whether a file is opened in one of the modes that write text."""
    mode = args[1].const if len(args) > 1 else kwargs["mode"].const if "mode" in kwargs else None
    return isinstance(mode, str) and mode[:1] in ("w", "a", "x") and "b" not in mode


def in_memory(
    machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs
) -> Value:
    """An in-memory file holds what it is given."""
    buffer = machine.track(Buffer())
    machine.add_content(buffer, union(machine, args, kwargs))
    return Value(0, buffer)


def glob(machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs) -> Value:
    """Paths that match a pattern."""
    mask = union(machine, args, kwargs)
    text = args[0].const if args else None
    return Value(mask | (path_labels(text) if isinstance(text, str) else 0))


def join_path(
    machine: Machine, frame: Frame, node: ast.AST, func: External, args: Args, kwargs: Kwargs
) -> Value:
    """`os.path.join`."""
    mask = union(machine, args, kwargs)
    if all(isinstance(value.const, str) for value in args):
        text = "/".join(str(value.const) for value in args)
        return Value(mask | path_labels(text), None, text)
    return Value(mask)
