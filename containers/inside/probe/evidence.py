"""What all runs of one submission left behind: what the comparison works on.

The parent fills it: streams and digests from what it laid out and read itself, traces from the runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from .trace import Trace

PLAIN = "A"
AGAIN = "A2"
CHANGED = ("B1", "B2", "B3")
NEIGHBOUR = "B3"
"""The run in which one document is changed and what follows it is not."""
PLANTED = "P"
RELOADED = "R"
REPLAYED = "N"


@dataclass(frozen=True, slots=True)
class Replay:
    """One position scored once for each entry of the vocabulary, from the same state."""

    position: int
    """Index of the target in the validation stream."""
    total: float
    """Sum of exp(-nll) over the entries."""
    tokens: int
    """Entries that were tried."""
    vocabulary: int
    """Entries there are."""
    load: str = "default"
    """Which size the hash tables had: `default`, or `scaled` to the tokens that a real run puts into them."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the script."""

    trace: Trace | None = None
    """None where none came back, or none that could be read."""
    stream: np.ndarray | None = None
    """int64 validation tokens that this run was given."""
    first: int = -1
    """Index of the first token that differs from the plain stream; -1 where none does. For a planted run the
    index from which tokens leak."""
    end: int = -1
    """Index behind the last token that differs; -1 for the end of the stream."""
    ok: bool = True
    """Whether the script ran to its end."""
    error: str = ""
    """How it failed."""
    artifacts: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of each file that is taken for the artifact, by path in the run's folder."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """How bytes are counted, for each entry."""

    bytes: np.ndarray
    """int64, bytes of the piece without a leading space."""
    space: np.ndarray
    """bool, begins with a space, which counts one byte unless what precedes is a boundary."""
    boundary: np.ndarray
    """bool, control, unknown and unused entries."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """All runs."""

    runs: Mapping[str, Run]
    """By name: `A` must be there for anything to be said."""
    replays: tuple[Replay, ...] = ()
    vocabulary: Vocabulary | None = None
