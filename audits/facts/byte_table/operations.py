"""Operators and library calls of the evaluator, capped so that hostile code cannot make it grow."""

from __future__ import annotations

import ast
import operator
from typing import TYPE_CHECKING

from audits.facts.byte_table.values import OPAQUE, Choice, Opaque, SideFile, Table, Value, as_table
from audits.facts.byte_table.vocabulary import SIZE

if TYPE_CHECKING:
    from collections.abc import Callable

BIGGEST = 10**9
LONGEST = 4096

BINARY: dict[type[ast.operator], Callable[[Value, Value], Value]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_, ast.BitXor: operator.xor,
}  # fmt: skip
COMPARE: dict[type[ast.cmpop], Callable[[Value, Value], Value]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le,
    ast.Gt: operator.gt, ast.GtE: operator.ge, ast.Is: operator.is_, ast.IsNot: operator.is_not,
    ast.In: lambda left, right: left in right, ast.NotIn: lambda left, right: left not in right,
}  # fmt: skip
PLAIN = (int, float, str, bytes, bytearray, bool, type(None), list, tuple, dict, set, frozenset)

STRING_METHODS = frozenset(
    "startswith endswith replace strip lstrip rstrip encode decode lower upper removeprefix removesuffix "
    "isascii isdigit isalpha isalnum isspace islower isupper find index count split join hex title "
    "casefold swapcase partition rpartition".split()
)
CONTAINER_METHODS = frozenset("get keys values items append extend add update setdefault index count".split())
SAME_TABLE = frozenset(
    "to cpu cuda numpy astype clone copy contiguous int long bool float double half short byte detach view "
    "reshape squeeze unsqueeze pin_memory type flatten ravel tolist share_memory_ requires_grad_ "
    "to_device item".split()
)
WRAPPERS = frozenset(
    "array asarray tensor as_tensor from_numpy ascontiguousarray fromiter list tuple stack hstack "
    "concatenate cat pad clip clamp device_put Tensor LongTensor IntTensor FloatTensor ShortTensor "
    "Parameter register_buffer".split()
)
FILLS = {"zeros": 0, "ones": 1, "empty": 0, "zeros_like": 0, "ones_like": 1, "empty_like": 0}


def unknown(*values: Value) -> bool:
    """Whether one of the values is not known."""
    return any(isinstance(value, (Opaque, Choice, SideFile)) for value in values)


def apply(function: Callable[..., Value], *args: Value) -> Value:
    """Apply a whitelisted operation to plain values or, cell by cell, to tables."""
    if any(isinstance(arg, Table) for arg in args):
        return _cellwise(function, args)
    if unknown(*args) or not all(isinstance(arg, PLAIN) for arg in args):
        return OPAQUE
    if not _small(args):
        return OPAQUE
    try:
        return function(*args)
    except Exception:  # their types, not ours: whatever goes wrong, the value is unknown
        return OPAQUE


def _cellwise(function: Callable[..., Value], args: tuple[Value, ...]) -> Value:
    first = next(arg for arg in args if isinstance(arg, Table))
    cells = []
    for place in range(SIZE):
        row = [arg.cells[place] if isinstance(arg, Table) else arg for arg in args]
        # A table stored in its own cell would be entered for ever.
        cells.append(OPAQUE if any(isinstance(arg, Table) for arg in row) else apply(function, *row))
    return first.like(cells)


def _small(args: tuple[Value, ...]) -> bool:
    for arg in args:
        if isinstance(arg, (int, float)) and abs(arg) > BIGGEST:
            return False
        if isinstance(arg, (str, bytes, bytearray, list, tuple, dict, set)) and len(arg) > LONGEST:
            return False
    repeats = [arg for arg in args if isinstance(arg, (str, bytes, bytearray, list, tuple))]
    return not (repeats and any(isinstance(arg, int) and arg > LONGEST for arg in args))


def invert(value: Value) -> Value:
    """Apply `~`, reading it as the logical one on booleans, as arrays do."""
    return apply(lambda entry: (not entry) if isinstance(entry, bool) else ~entry, value)


def filled(name: str, args: list[Value], line: int) -> Value:
    """Make the table that `zeros`, `full` and their kin make, when it has an entry a piece."""
    if not args:
        return OPAQUE
    size = args[0]
    if isinstance(size, (tuple, list)):
        if not size:
            return OPAQUE
        size = size[0]
    if isinstance(size, int) and size < SIZE:
        return OPAQUE
    fill = args[1] if name.startswith("full") and len(args) > 1 else FILLS.get(name, OPAQUE)
    return Table([fill] * SIZE, line)


def wrapped(args: list[Value], line: int) -> Value:
    """Return what a conversion such as `torch.tensor(x)` makes of a table or list."""
    for arg in args[:2]:
        table = as_table(arg)
        if table is not None:
            return (
                table
                if table.line
                else table.like(table.cells)
                if isinstance(arg, Table)
                else _lined(table, line)
            )
        if isinstance(arg, (list, tuple)) and arg and isinstance(arg[0], Table):
            return arg[0]
    return OPAQUE


def _lined(table: Table, line: int) -> Table:
    table.line = line
    return table


def call_method(owner: Value, name: str, args: list[Value], keywords: dict[str, Value]) -> Value:
    """Call a whitelisted method of a plain value."""
    if isinstance(owner, Table):
        if name in ("logical_not", "bitwise_not"):
            return invert(owner)
        if name in ("logical_and", "bitwise_and") and args:
            return apply(operator.and_, owner, args[0])
        return owner if name in SAME_TABLE else OPAQUE
    if isinstance(owner, (str, bytes, bytearray)) and name in STRING_METHODS:
        if unknown(*args) or not _small((owner, *args)):
            return OPAQUE
        return apply(lambda *rest: getattr(owner, name)(*rest, **_plain(keywords)), *args)
    if isinstance(owner, (list, dict, set, tuple, bytearray)) and name in CONTAINER_METHODS:
        return _container(owner, name, args)
    if isinstance(owner, int) and name in ("item", "bit_length"):
        return owner
    return OPAQUE


def _plain(keywords: dict[str, Value]) -> dict[str, Value]:
    return {key: value for key, value in keywords.items() if isinstance(value, (str, int))}


def _container(owner: Value, name: str, args: list[Value]) -> Value:
    if len(owner) > LONGEST:
        return OPAQUE
    try:
        result = getattr(owner, name)(*args)
    except Exception:  # unhashable, missing, wrong arity: unknown
        return OPAQUE
    return list(result) if name in ("keys", "values", "items") else result


def builtin(name: str, args: list[Value], keywords: dict[str, Value]) -> Value:
    """Call a whitelisted builtin."""
    if name in ("max", "min") and len(args) > 1 and unknown(*args):
        known = [arg for arg in args if isinstance(arg, int)]
        return known[0] if known else OPAQUE  # max(sp_size, vocab_size): the tokenizer's own size decides
    if name in ("list", "tuple", "enumerate", "zip", "reversed", "sorted"):
        return _sequence(name, args, keywords)
    if name == "range":
        return _range(args)
    if name == "isinstance":
        return OPAQUE
    if args and isinstance(args[0], Table):
        return args[0] if name in ("int", "float", "bool") else SIZE if name == "len" else OPAQUE
    function = _SAFE.get(name)
    if function is None or unknown(*args) or keywords:
        return OPAQUE
    if name in ("bytes", "bytearray") and args and isinstance(args[0], int) and args[0] > LONGEST:
        return OPAQUE
    return apply(function, *args)


def _range(args: list[Value]) -> Value:
    if unknown(*args):
        starts = args[0] if len(args) > 1 and isinstance(args[0], int) and 0 <= args[0] < SIZE else 0
        return range(starts, SIZE)
    if all(isinstance(arg, int) for arg in args) and 1 <= len(args) <= 3:
        try:
            return range(*args)[:LONGEST]
        except ValueError:
            return OPAQUE
    return OPAQUE


def _sequence(name: str, args: list[Value], keywords: dict[str, Value]) -> Value:
    if name in ("list", "tuple") and args and isinstance(args[0], Table):
        return args[0]
    lists = [listed(arg) for arg in args]
    if not lists or any(entry is None for entry in lists):
        return OPAQUE if args else []
    plain = [entry for entry in lists if entry is not None]
    if name == "enumerate":
        return list(enumerate(plain[0]))
    if name == "zip":
        return list(zip(*plain, strict=False))
    if name == "reversed":
        return plain[0][::-1]
    return tuple(plain[0]) if name == "tuple" else plain[0]


def listed(value: Value) -> list[Value] | None:
    """Return the elements of something iterable, or None."""
    if isinstance(value, Table):
        return list(value.cells)
    if isinstance(value, (list, tuple, range, str, bytes, bytearray, set, frozenset, dict)):
        return list(value)[:LONGEST]
    return None


_SAFE: dict[str, Callable[..., Value]] = {
    "len": len, "int": int, "float": float, "bool": bool, "str": str, "bytes": bytes, "abs": abs,
    "bytearray": bytearray, "ord": ord, "chr": chr, "sum": sum, "any": any, "all": all, "max": max,
    "min": min, "round": round, "set": set, "frozenset": frozenset, "dict": dict, "repr": repr,
}  # fmt: skip
BUILTINS = frozenset(_SAFE) | {
    "list",
    "tuple",
    "enumerate",
    "zip",
    "reversed",
    "sorted",
    "range",
    "isinstance",
}


def fill(table: Table, place: Value, value: Value) -> None:
    """Store into a table at one place, at many, or everywhere."""
    if isinstance(place, int) and not isinstance(place, bool):
        if -SIZE <= place < SIZE:
            table.cells[place] = value
        return
    if isinstance(place, (list, tuple, range, Table)):
        marks = place.cells if isinstance(place, Table) else list(place)
        _fill_many(table, marks, value)
        return
    source = as_table(value)
    if source is not None:  # a[:n] = b
        table.cells[:] = source.cells
        if source.side:
            table.side, table.key, table.line = True, source.key, source.line


def _fill_many(table: Table, marks: list[Value], value: Value) -> None:
    if len(marks) == SIZE and all(isinstance(mark, bool) for mark in marks):
        chosen = [place for place, mark in enumerate(marks) if mark]
    else:
        chosen = [mark for mark in marks if isinstance(mark, int) and -SIZE <= mark < SIZE]
    source = listed(value) if not isinstance(value, (str, bytes)) else None
    for order, place in enumerate(chosen):
        table.cells[place] = source[order] if source is not None and order < len(source) else value
