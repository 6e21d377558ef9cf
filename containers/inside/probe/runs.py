"""The runs of one script as the comparison gets them: what each left behind, and its stream."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from .trace import Trace

PLAIN = "A"
"""The stream as it is."""
AGAIN = "A2"
"""The same once more: what differs from `A` is noise."""
CHANGED = ("B1", "B2", "B3")
NEIGHBOUR = "B3"
"""Streams that differ: from an unaligned position on, from an aligned one on, in one document only."""
PLANTED = "P"
"""The stream as it is, with a leak of ours: scores depend a little on tokens after `B1`'s position."""
RELOADED = "R"
"""The stream as it is; weights in memory and training data are spoilt when the artifact is read back."""
NORMALISED = "N"
SCALED = "N2"
"""Replays of one evaluation with a token replaced by each entry of the vocabulary."""
RANKS = 2
"""Processes that a run as several ranks is made of."""
RANKED = "G1"
RANKED_CHANGED = "G2"
RANKED_AGAIN = "G3"
"""Runs as several ranks: on the stream as it is, on one changed in the last rank's slice, as it is again."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the script."""

    name: str
    trace: Trace
    """Empty where the run left none that can be read."""
    stream: np.ndarray
    """int64: the whole validation stream that it was given; token i is scored as the target at index i."""
    start: int = -1
    """First index at which its stream differs from `A`'s; -1 for none."""
    stop: int = -1
    """Index after the last one that may differ; the stream's length for all but `B3`."""
    ok: bool = False
    """The script ran to its end."""
    error: str = ""
    """Class and message of what ended it."""
    error_line: str = ""
    artifacts: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of each file that the run wrote, by its path in the run's folder, as the parent read it."""
    seconds: float = 0.0
    cpu_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Replay:
    """One position scored once for each entry of the vocabulary, each time from the same state."""

    position: int
    """Index of the target in the validation stream."""
    total: float
    """Sum of exp(-nll) over the entries that were tried."""
    tried: int
    """Entries that were tried."""
    vocabulary: int
    """Entries that texts hold."""
    load: str = "default"
    """Which size hash tables had: `default`, or `scaled` to the tokens that a real run puts into them."""
    width: int = 0
    """Entries that its rows of logits have, those that no text holds among them; 0 where none were seen."""


@dataclass(frozen=True, slots=True)
class Runs:
    """All runs of one script that were made, by name."""

    by_name: Mapping[str, Run]
    token_bytes: np.ndarray
    """int64: bytes that each entry of the vocabulary stands for, its leading space among them."""
    leading_space: np.ndarray
    """bool: whether a piece begins with a space."""
    control: np.ndarray
    """bool: entries that stand for no text (BOS, padding, unknown)."""
    skipped: Mapping[str, str] = field(default_factory=dict)
    """Runs that were not made, with the reason."""
    replays: tuple[Replay, ...] = ()
    """What `N` gave; the parent added the numbers up."""
    labels: tuple[str, ...] = ()
    """Labels of the printed lines that carry the claimed score, as far as they are known."""
    ranked: Mapping[str, tuple[Run, ...]] = field(default_factory=dict)
    """Runs as several ranks, by name: what each rank left behind, in the order of the ranks."""

    def get(self, name: str) -> Run | None:
        """Return a run, None where it was not made."""
        return self.by_name.get(name)
