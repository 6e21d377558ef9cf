"""What one watched run of a script left behind: events in order, as plain numbers.

Promises that a trace read from bytes holds nothing but numbers and short texts, within the caps below,
whatever the bytes are: they come from the process that the submission shares.
"""

from __future__ import annotations

import enum
import io
import json
import os
import zipfile
from dataclasses import dataclass, field
from typing import Any

import numpy as np

MAX_BYTES = 96 * 1024 * 1024
"""Largest trace that is read."""
MAX_EVENTS = 200_000
MAX_TEXT = 300
OUTSIDE = -1
"""Phase of what happens in no evaluation."""


class Kind(enum.StrEnum):
    """What an event tells."""

    BEGIN = "begin"
    """An evaluation of the submission was entered; `text` is its name, `site` where it is defined."""
    END = "end"
    """It returned; `values` are the numbers it returned (val_loss, val_bpb, ...)."""
    PRINT = "print"
    """A loss or score was printed; `text` is its name (`val_loss`, `val_bpb`), `number` its value."""
    LOSS = "loss"
    """Token losses were computed by torch: `values` in nats, `targets`, `digests` of the logits' rows."""
    SUM = "sum"
    """A vector was summed, or averaged: `values` are its entries, `number` the result."""
    ADD = "add"
    """`name += number`, or `name = name + number`, in the submission's source."""
    TARGET = "target"
    """A table with an entry for each token of the vocabulary was read at `targets` (bytes, spaces, ...)."""
    UPDATE = "update"
    """An optimizer took a step; `state` is the model after it."""
    SAVE = "save"
    """A file was written and closed; `text` is its path in the run's folder, `number` its size."""
    LOAD = "load"
    """A file that this run had written was opened for reading."""
    ASSIGN = "assign"
    """Weights were replaced by `load_state_dict`; `state` is the model after it."""


SMOOTHED = "smoothed"
"""Text of losses mixed with the mean over the vocabulary: scored so, a row sums to less than one (#704)."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event. Fields that a kind does not speak of keep their defaults."""

    kind: Kind
    site: str = ""
    """`file:line` of the submission's source."""
    phase: int = OUTSIDE
    """Which evaluation call it happened in, counted from 0 in order of entry; the innermost."""
    number: float = 0.0
    values: np.ndarray | None = None
    """float64, flat."""
    targets: np.ndarray | None = None
    """int64 token ids, flat; as long as `values` where both are there."""
    digests: np.ndarray | None = None
    """int64, a digest of each target's row of logits; equal rows have equal digests."""
    shape: tuple[int, ...] = ()
    """Shape of `values` (or `targets`) before they were made flat."""
    grad: bool = False
    """Whether a gradient was being recorded."""
    state: int = 0
    """Digest of the weights of the module last called, as of this event."""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Trace:
    """One run."""

    events: tuple[Event, ...]
    facts: dict[str, Any] = field(default_factory=dict)
    """Counts and names that belong to the run as a whole."""


def encode(trace: Trace) -> bytes:
    """Return the trace as bytes: a JSON document, and a column for each kind of numbers."""
    columns = {name: _Column(kind) for name, kind in _COLUMNS.items()}
    rows = [_row(event, columns) for event in trace.events[:MAX_EVENTS]]
    document = json.dumps({"events": rows, "facts": trace.facts}, default=repr).encode()
    joined = {name: column.joined() for name, column in columns.items()}
    made = io.BytesIO()
    np.savez(made, document=np.frombuffer(document, np.uint8), **joined)  # type: ignore[arg-type]
    return made.getvalue()


def read_left(memory: int) -> Trace | None:
    """Return the trace that a child has left in a memory of its parent's, None where it left none."""
    data = os.pread(memory, MAX_BYTES + 1, 0)
    try:
        return decode(data) if data else None
    except ValueError:
        return None


def decode(data: bytes) -> Trace:
    """Return the trace that the bytes hold; raises ValueError for anything else."""
    if len(data) > MAX_BYTES:
        raise ValueError(f"a trace of {len(data):,} bytes")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            if sum(entry.file_size for entry in packed.infolist()) > MAX_BYTES:
                raise ValueError("too large when unpacked")
        with np.load(io.BytesIO(data), allow_pickle=False, max_header_size=1000) as file:
            arrays = {name: np.asarray(file[name]).reshape(-1) for name in ("document", *_COLUMNS)}
        if any(arrays[name].dtype != kind for name, kind in _COLUMNS.items()):
            raise ValueError("numbers of another kind")
        document = json.loads(arrays.pop("document").tobytes())
        events = tuple(_event(row, arrays) for row in document["events"][:MAX_EVENTS])
        facts = document["facts"]
    except Exception as error:
        raise ValueError(f"not a trace: {type(error).__name__}") from error
    return Trace(events, facts if isinstance(facts, dict) else {})


_COLUMNS: dict[str, type[np.generic]] = {"values": np.float64, "targets": np.int64, "digests": np.int64}


class _Column:
    """The numbers of one field of all events, one after the other."""

    def __init__(self, kind: type[np.generic]) -> None:
        self.kind = kind
        self.parts: list[np.ndarray] = []
        self.size = 0

    def put(self, array: np.ndarray | None) -> list[int] | None:
        """Append an array and return where it lies; None for none."""
        if array is None:
            return None
        flat = np.ravel(array).astype(self.kind)
        self.parts.append(flat)
        self.size += flat.size
        return [self.size - flat.size, flat.size]

    def joined(self) -> np.ndarray:
        """Return the whole column."""
        return np.concatenate([np.zeros(0, self.kind), *self.parts])


def _row(event: Event, columns: dict[str, _Column]) -> list[Any]:
    spans = [column.put(getattr(event, name)) for name, column in columns.items()]
    return [
        event.kind.value, event.site[:MAX_TEXT], event.phase, repr(float(event.number)), *spans,
        list(event.shape), event.grad, event.state, event.text[:MAX_TEXT],
    ]  # fmt: skip


def _event(row: list[Any], arrays: dict[str, np.ndarray]) -> Event:
    kind, site, phase, number, values, targets, digests, shape, grad, state, text = row
    return Event(
        kind=Kind(kind),
        site=str(site)[:MAX_TEXT],
        phase=int(phase),
        number=float(number),
        values=_take(values, arrays["values"]),
        targets=_take(targets, arrays["targets"]),
        digests=_take(digests, arrays["digests"]),
        shape=tuple(int(size) for size in shape[:8]),
        grad=bool(grad),
        state=int(state),
        text=str(text)[:MAX_TEXT],
    )


def _take(span: Any, array: np.ndarray) -> np.ndarray | None:
    if span is None:
        return None
    start, size = int(span[0]), int(span[1])
    if start < 0 or size < 0 or start + size > array.size:
        raise ValueError("a span outside its array")
    return array[start : start + size]
