"""From the values that were added up to items: which token each is the loss of, and where it stands.

Values are traced to the row of logits that they come from by being equal to the bit; where a mixture has
changed them, targets come from the table of bytes that was read for them. Promises that a placed item's
target stands at its position in the stream of its run.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from .headline import Span, events_in
from .placing import UNPLACED, Stream, place
from .trace import SMOOTHED, Kind, Trace
from .watches import Source, Watched

UNKNOWN = -1
LOOKBACK = 32
"""Equal values that are tried, the most recent ones, to find the row that a sum comes from."""
ENOUGH = 0.9
"""Share of a sum's values that must be a row's for the sum to be traced to rows."""


@dataclass(frozen=True, slots=True)
class Rows:
    """All losses that torch computed in a run, one after the other."""

    values: np.ndarray
    targets: np.ndarray
    positions: np.ndarray
    digests: np.ndarray
    events: np.ndarray
    """Index in the trace of the event of each."""
    ends: np.ndarray
    """Index, in these arrays, behind the last loss of each one's event."""
    grad: np.ndarray
    """1 where a gradient was being recorded."""
    plain: np.ndarray
    """1 where the loss is the log-softmax of its row of logits and nothing else."""
    starts: dict[int, int]
    """Index of the first loss of each event."""
    order: np.ndarray
    """Indices that sort `values`."""


@dataclass(frozen=True, slots=True)
class Items:
    """What entered one reported number, an entry for each token loss."""

    watched: Watched
    values: np.ndarray
    targets: np.ndarray
    """Token ids, UNKNOWN where nothing tells."""
    positions: np.ndarray
    """Index of the target in the stream, UNPLACED where nothing tells."""
    rows: np.ndarray
    """Index into `Rows` of the loss that each value is equal to, UNKNOWN for none."""
    digests: np.ndarray
    """Digest of the logits' row; 0 where no row is known."""

    @property
    def placed(self) -> np.ndarray:
        """Return which items have a position."""
        return np.asarray(self.positions != UNPLACED)


def rows_of(trace: Trace, stream: Stream) -> Rows:
    """Return all losses of a run, with the positions of their targets."""
    parts = defaultdict(list)
    starts: dict[int, int] = {}
    known: dict[tuple[bytes, int], np.ndarray] = {}
    size, expected = 0, UNPLACED
    for at, event in enumerate(trace.events):
        values, targets = event.values, event.targets
        if event.kind is not Kind.LOSS or values is None or targets is None:
            continue
        if values.size != targets.size or not values.size:
            continue
        key = (targets.tobytes(), expected)
        positions = known[key] = known[key] if key in known else place(stream, targets, expected)
        expected = int(positions[-1]) + 1 if positions[-1] != UNPLACED else UNPLACED
        digests = event.digests
        fits = digests is not None and digests.size == values.size
        parts["values"].append(values)
        parts["targets"].append(targets)
        parts["positions"].append(positions)
        parts["digests"].append(digests if fits and digests is not None else np.zeros(values.size, np.int64))
        parts["events"].append(np.full(values.size, at, np.int64))
        parts["ends"].append(np.full(values.size, size + values.size, np.int64))
        parts["grad"].append(np.full(values.size, event.grad, np.int64))
        parts["plain"].append(np.full(values.size, event.text != SMOOTHED, np.int64))
        starts[at] = size
        size += values.size
    empty = np.zeros(0, np.int64)
    joined = {name: np.concatenate([empty, *parts[name]]) for name in _COLUMNS}
    values = joined.pop("values").astype(np.float64)
    return Rows(values=values, starts=starts, order=np.argsort(values, kind="stable"), **joined)


_COLUMNS = ("values", "targets", "positions", "digests", "events", "ends", "grad", "plain")


def items_of(trace: Trace, span: Span, watched: Watched, stream: Stream, rows: Rows) -> Items:
    """Return the items of what was watched."""
    at = _rows_behind(watched, rows)
    targets = np.where(at >= 0, _take(rows.targets, at), UNKNOWN)
    positions = np.where(at >= 0, _take(rows.positions, at), UNPLACED)
    if (at < 0).any():
        read = _targets_read(trace, span, watched)
        if read is not None:
            missing = at < 0
            targets = np.where(missing, read, targets)
            positions = np.where(missing, place(stream, read), positions)
    digests = np.where(at >= 0, _take(rows.digests, at), 0)
    return Items(watched, watched.values, targets, positions, at, digests)


def _take(column: np.ndarray, at: np.ndarray) -> np.ndarray:
    return column[np.maximum(at, 0)] if column.size else np.zeros(at.size, np.int64)


def _rows_behind(watched: Watched, rows: Rows) -> np.ndarray:
    """Return for each value the loss that it is, UNKNOWN for none."""
    if watched.recipe.source in (Source.QUIET, Source.LOSS, Source.BLOCKS, Source.LISTED):
        starts = np.asarray([rows.starts.get(event, -1) for event in watched.events.tolist()], np.int64)
        return np.where(starts >= 0, starts + watched.offsets, UNKNOWN)
    found = np.full(watched.values.size, UNKNOWN, np.int64)
    bounds = np.flatnonzero(np.diff(watched.events)) + 1
    if watched.recipe.source is Source.ADD:
        bounds = np.zeros(0, np.int64)
    for start, end in zip([0, *bounds.tolist()], [*bounds.tolist(), watched.values.size], strict=True):
        before = int(watched.events[end - 1])
        if before in rows.starts:
            found[start:end] = rows.starts[before] + watched.offsets[start:end]
            continue
        linked = _linked(watched.values[start:end], before, rows)
        if (linked >= 0).mean() >= ENOUGH:
            found[start:end] = linked
    return found


def _linked(values: np.ndarray, before: int, rows: Rows) -> np.ndarray:
    """Return the rows of one sum's values: runs of values that are equal to a run of losses."""
    found = np.full(values.size, UNKNOWN, np.int64)
    at, misses, last = 0, 0, UNKNOWN
    while at < values.size and misses <= (1 - ENOUGH) * values.size + 1:
        start, length = _longest(values[at:], before, rows, last)
        if not length:
            at, misses = at + 1, misses + (values[at] != 0)
            continue
        found[at : at + length] = np.arange(start, start + length)
        last, at = start + length, at + length
    return found


def _longest(values: np.ndarray, before: int, rows: Rows, last: int) -> tuple[int, int]:
    """Return the longest run of losses that `values` begin with, of equals the most recent: start, length."""
    ordered = rows.order
    left = np.searchsorted(rows.values, values[0], "left", sorter=ordered)
    right = np.searchsorted(rows.values, values[0], "right", sorter=ordered)
    starts = ordered[left:right]
    starts = np.sort(starts[rows.events[starts] < before])[-LOOKBACK:][::-1]
    best, length = UNKNOWN, 0
    for start in starts.tolist():
        size = min(int(rows.ends[start]) - start, values.size)
        equal = rows.values[start : start + size] == values[:size]
        run = size if equal.all() else int(equal.argmin())
        if run > length or (run == length and start == last):
            best, length = start, run
    return best, length


def _targets_read(trace: Trace, span: Span, watched: Watched) -> np.ndarray | None:
    """Return the targets that tables were read at for what was watched; None where they do not fit."""
    by_site: dict[tuple[str, str], list[tuple[int, np.ndarray]]] = defaultdict(list)
    losses: list[tuple[int, np.ndarray]] = []
    for at, event in events_in(trace, span):
        if event.targets is not None and event.kind is Kind.TARGET:
            by_site[event.site, event.text].append((at, event.targets))
        elif event.targets is not None and event.kind is Kind.LOSS:
            losses.append((at, event.targets))
    joined = [_fitted(watched, reads) for reads in by_site.values()]
    fitting = [column for column in joined if column is not None]
    if fitting:
        return _not_the_one_before(fitting)
    found = _fitted(watched, losses) if losses else None
    return _beside(trace, watched, losses) if found is None and losses else found


def _fitted(watched: Watched, reads: list[tuple[int, np.ndarray]]) -> np.ndarray | None:
    """Return the targets read at one line as one for each value: all of them, or each sum's nearest."""
    if sum(targets.size for _, targets in reads) == watched.values.size:
        return np.concatenate([targets for _, targets in reads])
    chosen = []
    events, sizes = np.unique(watched.events, return_counts=True)
    if np.any(np.diff(watched.events) < 0) or events.size > 20_000:
        return None
    places = np.asarray([at for at, _ in reads])
    for event, size in zip(events.tolist(), sizes.tolist(), strict=True):
        near = np.argsort(np.abs(places - event), kind="stable")[:8]
        same = [reads[index][1] for index in near.tolist() if reads[index][1].size == size]
        if not same:
            return None
        chosen.append(same[0])
    return np.concatenate(chosen)


def _beside(trace: Trace, watched: Watched, losses: list[tuple[int, np.ndarray]]) -> np.ndarray | None:
    """Return the targets of losses of which each sum is a masked copy, entry by entry."""
    at = np.asarray([index for index, _ in losses])
    behind = np.searchsorted(at, watched.events) - 1
    if (behind < 0).any():
        return None
    found = np.full(watched.events.size, UNKNOWN, np.int64)
    for index in np.unique(behind).tolist():
        chosen, targets = behind == index, losses[index][1]
        sizes = {_size(trace, event) for event in np.unique(watched.events[chosen]).tolist()}
        if sizes != {targets.size}:
            return None
        found[chosen] = targets[watched.offsets[chosen]]
    return found


def _size(trace: Trace, event: int) -> int:
    values = trace.events[event].values
    return 0 if values is None else values.size


def _not_the_one_before(columns: list[np.ndarray]) -> np.ndarray:
    """Return the first column that is not another one moved back by a token: those are previous tokens."""
    for column in columns:
        others = [other for other in columns if not np.array_equal(other, column)]
        if not any((column[1:] == other[:-1]).mean() > ENOUGH for other in others if other.size > 1):
            return column
    return columns[0]
