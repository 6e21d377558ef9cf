"""What the replays of an evaluation say: the scores that one position gave to every entry of the vocabulary.

The parent adds them up. Promises a sum only where the replaced position is told apart from all others.
"""

from __future__ import annotations

import numpy as np

from .runs import Replay
from .trace import Kind, Trace

SITE = "replay"
AGREED = 0.9
"""Share of the entries whose first changed score must be the same one."""


def replay_of(trace: Trace, position: int, vocabulary: int, load: str) -> Replay | None:
    """Return the sum over the vocabulary, None where the traces of the replays do not fit together."""
    rows = {
        int(event.number): event.values
        for event in trace.events
        if event.kind is Kind.SUM and event.site == SITE and event.values is not None
    }
    if len(rows) < 2 or len({values.size for values in rows.values()}) != 1:
        return None
    table = np.stack([rows[token] for token in sorted(rows)])
    at = _replaced(table)
    if at is None:
        return None
    with np.errstate(all="ignore"):
        total = float(np.exp(-table[:, at]).sum())
    if np.isnan(total):
        return None
    return Replay(position, total, len(rows), vocabulary, load, entries_of(trace))


def entries_of(trace: Trace) -> int:
    """Return how many entries a run says that its replays were to try; 0 where it says nothing."""
    told = trace.facts.get("replays")
    entries = told.get("entries") if isinstance(told, dict) else None
    return entries if type(entries) is int else 0


def _replaced(table: np.ndarray) -> int | None:
    """Return the first score that depends on the entry; it must be the first for nearly all entries."""
    changed = table[1:] != table[0]
    known = changed.argmax(1)[changed.any(1)]
    if not known.size:
        return None
    at = int(known.min())
    return at if (known == at).mean() >= AGREED else None
