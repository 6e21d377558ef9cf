"""Where in a stream of tokens a sequence of targets lies.

Evaluators score in windows, by document, sorted by length, padded: only the tokens tell where a target
belongs. Promises that a placed target equals the stream's token at its position; -1 stands where the
place is not known. A place that tokens alone cannot tell is chosen next to the one before.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

UNPLACED = -1
CERTAIN = 6
"""Tokens in a row that are taken for a passage of the stream, where there is one such passage only."""
CONTINUES = 2
"""Tokens in a row that are enough where the passage goes on from the one before."""


@dataclass(slots=True)
class Stream:
    """A stream with the places of each token."""

    tokens: np.ndarray
    places: dict[int, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        order = np.argsort(self.tokens, kind="stable")
        values, starts = np.unique(self.tokens[order], return_index=True)
        for value, places in zip(values.tolist(), np.split(order, starts[1:]), strict=True):
            self.places[value] = places

    def longest(self, row: np.ndarray) -> tuple[np.ndarray, int]:
        """Return where the longest passage that begins `row` starts (every such place) and its length."""
        starts = self.places.get(int(row[0]), np.zeros(0, np.int64))
        length = 0
        while starts.size:
            step = min(max(length, 8), row.size - length)
            agree = self._agree(starts + length, row[length : length + step])
            best = int(agree.max())
            if best < step or length + step == row.size:
                return starts[agree == best], length + best
            starts, length = starts[agree == best], length + step
        return starts, length

    def _agree(self, starts: np.ndarray, row: np.ndarray) -> np.ndarray:
        """Return for each start how many tokens from it on agree with `row`."""
        at = starts[:, None] + np.arange(row.size)[None, :]
        inside = at < self.tokens.size
        equal = inside & (self.tokens[np.minimum(at, self.tokens.size - 1)] == row[None, :])
        return np.where(equal.all(1), row.size, equal.argmin(1))


def place(stream: Stream, row: np.ndarray, expected: int = UNPLACED) -> np.ndarray:
    """Return the position of each target of a row; `expected` is where it may go on from."""
    positions = np.full(row.size, UNPLACED, np.int64)
    at = 0
    while at < row.size:
        starts, length = stream.longest(row[at:])
        start = _chosen(starts, length, expected)
        if start == UNPLACED:
            at, expected = at + 1, UNPLACED
            continue
        positions[at : at + length] = np.arange(start, start + length)
        _mend(stream, row, positions, at)
        at, expected = at + length, start + length
    return positions


def _chosen(starts: np.ndarray, length: int, expected: int) -> int:
    """Return the start to take, UNPLACED where the passage is too short to tell."""
    if not starts.size:
        return UNPLACED
    if expected != UNPLACED and length >= CONTINUES and expected in starts:
        return expected
    if length < CERTAIN:
        return UNPLACED
    later = starts[starts >= expected]
    return int(later[0] if later.size else starts[-1])


def _mend(stream: Stream, row: np.ndarray, positions: np.ndarray, at: int) -> None:
    """Give tokens that fit both the passage before and this one to the one that begins at a round index."""
    start = int(positions[at])
    fits = 0
    while fits < 16 and at - fits > 0 and start - fits > 0:
        before = at - fits - 1
        if row[before] != stream.tokens[start - fits - 1] or positions[before] == start - fits - 1:
            break
        fits += 1
    if not fits:
        return
    back = max(range(fits + 1), key=lambda k: (_roundness(at - k), -k))
    positions[at - back : at] = np.arange(start - back, start)


def _roundness(index: int) -> int:
    return index & -index
