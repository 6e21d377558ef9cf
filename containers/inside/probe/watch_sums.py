"""Watch the submission's own source add up: functions that its rewritten sums, additions and look-ups call.

`source/accumulations.py` puts the calls there. Each returns what the script would have got.
"""

from __future__ import annotations

import builtins
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from .recorder import RECORDER, site
from .trace import Event, Kind
from .watch_losses import SMALLEST_VOCABULARY, chosen, is_wide

LARGEST = 200_000
"""Entries of a vector that may hold losses."""
_WHOLE = {"torch", "numpy", "math", "mlx.core"}
readers: list[Callable[[Any], np.ndarray | None]] = []
"""Each returns the entries of an array that is neither torch's nor numpy's; None for anything else."""
_LONGEST_TOKEN = 512
MAX_TABLES = 32
_tables: dict[int, tuple[int, Any]] = {}
"""Tables with their numbers, by identity; kept, so that no other takes an identity over."""


def reduction(owner: Any, name: str) -> Callable[..., Any]:
    """Return `owner.name`, a sum or mean that is recorded where it takes a vector to a number."""
    function: Callable[..., Any] = getattr(owner, name)
    if not RECORDER.open:
        return function
    entries = _entries(owner)
    if isinstance(entries, torch.Tensor | np.ndarray):
        place = site()

        def call(*args: Any, **kwargs: Any) -> Any:
            result = function(*args, **kwargs)
            _summed(entries, result, place)
            return result

        return call
    if isinstance(owner, types.ModuleType) and owner.__name__ in _WHOLE:
        place = site()

        def call_first(*args: Any, **kwargs: Any) -> Any:
            result = function(*args, **kwargs)
            if args:
                _summed(args[0], result, place)
            return result

        return call_first
    return function


def summing(values: Any, /, *args: Any, **kwargs: Any) -> Any:
    """Sum as Python does; lists of floats, tensors of one entry and arrays are recorded."""
    if not RECORDER.open or isinstance(values, int | str):
        return builtins.sum(values, *args, **kwargs)
    if not isinstance(values, list | tuple | torch.Tensor | np.ndarray):
        values = list(values)
    result = builtins.sum(values, *args, **kwargs)
    _summed(values, result, site())
    return result


def adding(value: Any, name: str, sign: int = 1) -> Any:
    """Return the value, recorded as what is added where it is a number that is no whole one."""
    kind = type(value)
    if kind is int or not RECORDER.open:
        return value
    number = _number(_entries(value))
    if number is not None:
        RECORDER.put(Event(Kind.ADD, site(), RECORDER.phase, sign * number, text=name))
    return value


def reading(owner: Any, index: Any) -> Any:
    """Return `owner[index]`; a look-up in a table with an entry for each token is recorded."""
    if RECORDER.open and isinstance(owner, torch.Tensor | np.ndarray):
        if isinstance(index, torch.Tensor | np.ndarray):
            _looked_up(owner, index)
        elif type(index) is tuple and len(index) == 2:
            _picked(owner, *index)
    return owner[index]


def _summed(entries: Any, result: Any, place: str) -> None:
    number = _number(_entries(result))
    if number is None:
        return
    entries = _entries(entries)
    values = _vector(entries)
    if values is None or not 1 <= values.size <= LARGEST:
        return
    if RECORDER.phase < 0 and not ((values >= 0).all() and RECORDER.room_outside(values.size)):
        return
    shape = tuple(entries.shape) if hasattr(entries, "shape") else (values.size,)
    RECORDER.put(Event(Kind.SUM, place, RECORDER.phase, number, values=values, shape=shape))


def _entries(value: Any) -> Any:
    """Return a value, as an array of numpy where it is an array of others."""
    found = (reader(value) for reader in readers)
    return next((array for array in found if array is not None), value)


def _vector(entries: Any) -> np.ndarray | None:
    """Return a copy of floating-point entries, flat; None for others."""
    if isinstance(entries, torch.Tensor):
        if not entries.is_floating_point() or entries.numel() > LARGEST or not entries.is_cpu:
            return None
        return entries.detach().double().numpy().flatten()
    if isinstance(entries, np.ndarray):
        return entries.astype(np.float64).flatten() if entries.dtype.kind == "f" else None
    if not isinstance(entries, list | tuple) or not entries or len(entries) > LARGEST:
        return None
    if isinstance(entries[0], torch.Tensor | np.ndarray) and entries[0].ndim:
        return None
    numbers = [_number(entry) for entry in entries]
    return None if None in numbers else np.array(numbers, np.float64)


def _number(value: Any) -> float | None:
    """Return a number that is no whole one by its type."""
    if isinstance(value, float | np.floating):
        return float(value)
    if isinstance(value, torch.Tensor):
        return float(value.detach()) if value.numel() == 1 and value.is_floating_point() else None
    if isinstance(value, np.ndarray):
        return float(value.reshape(())) if value.size == 1 and value.dtype.kind == "f" else None
    return None


def _looked_up(owner: Any, index: Any) -> None:
    """Record the tokens at which a table of the vocabulary is read."""
    if owner.ndim != 1 or not is_wide(len(owner)) or not index.ndim:
        return
    if isinstance(owner, torch.Tensor):
        if owner.is_floating_point() or not isinstance(index, torch.Tensor) or index.is_floating_point():
            return
        if index.dtype is torch.bool or not owner.numel() or int(owner.max()) > _LONGEST_TOKEN:
            return
        targets = index.detach().long().numpy().flatten()
    elif owner.dtype.kind not in "iub" or owner.max() > _LONGEST_TOKEN:
        return
    else:
        targets = np.asarray(index)
        if targets.dtype.kind not in "iu":
            return
        targets = targets.astype(np.int64).flatten()
    if 0 < targets.size <= LARGEST and RECORDER.phase >= 0:
        shape = tuple(index.shape)
        event = Event(
            Kind.TARGET, site(2), RECORDER.phase, targets=targets, shape=shape, text=_name_of(owner)
        )
        RECORDER.put(event)


def _name_of(table: Any) -> str:
    """Return which table it is, by the order of first reads: minified sources read several in one line."""
    if len(_tables) < MAX_TABLES:
        _tables.setdefault(id(table), (len(_tables), table))
    number, _ = _tables.get(id(table), (-1, None))
    return f"table {number}" if number >= 0 else ""


def _picked(owner: Any, rows: Any, targets: Any) -> None:
    """Record `table[rows, targets]` where it takes one entry of each row of the vocabulary."""
    if owner.ndim != 2 or owner.shape[-1] < SMALLEST_VOCABULARY or not is_wide(owner.shape[-1]):
        return
    if not isinstance(targets, torch.Tensor | np.ndarray) or targets.ndim != 1 or not len(targets):
        return
    if not isinstance(rows, torch.Tensor | np.ndarray) or tuple(rows.shape) != tuple(targets.shape):
        return
    with torch.no_grad():
        table = torch.as_tensor(owner).detach()
        wanted = torch.as_tensor(targets).long()
        if not table.is_floating_point() or torch.as_tensor(rows).is_floating_point():
            return
        taken = table[torch.as_tensor(rows).long()]
        chosen(taken, wanted, taken[torch.arange(len(wanted)), wanted], False)
