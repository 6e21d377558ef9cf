"""What the probe says of one phase, and of a run as a whole: the lines that leave the box.

A phase is one evaluation call. A test states LEAK only on a difference that was measured, CLEAN only beside
the power that it showed on the same submission, and BLIND where it could not see.
"""

from __future__ import annotations

import enum
from dataclasses import asdict, dataclass, field
from typing import Any

EVENT_RUN = "probe-run"
EVENT_PHASE = "probe-phase"
EVENT_WHOLE = "probe-whole"
EVENT_COVERAGE = "probe-coverage"
"""What run A did, counted (`coverage.Coverage`)."""
EVENT_LINES = "probe-lines"
"""Lines that run A executed: `file`, and `lines` as texts of ranges; one report a file."""


class Call(enum.StrEnum):
    """How one test ended."""

    LEAK = "LEAK"
    CLEAN = "CLEAN"
    BLIND = "BLIND"
    """The watch did not see what it would have to judge."""
    NOT_RUN = "NOT_RUN"
    """Nothing to test, or no time left for it."""


class Test(enum.StrEnum):
    """The tests, by the question they ask."""

    SUFFIX = "suffix"
    """Do tokens that come later change a score that came earlier? (C1, C3, C4)"""
    SELF_TARGET = "self-target"
    """Does the token itself change the distribution that scores it? (C1)"""
    NORMALISATION = "normalisation"
    """Do the probabilities of all tokens sum to one? (C2)"""
    SCORE_ONCE = "score-once"
    """Does each token enter the sum once, and is the sum the number reported? (C4)"""
    UPDATE_ORDER = "update-order"
    """Did an update learn from tokens that were scored only afterwards? (C3)"""
    ARTIFACT = "artifact"
    """Is the artifact the same whatever the validation data are? (DATA)"""
    RELOAD = "reload"
    """Is the score that of the artifact read back, without training data? (DATA)"""
    RANK_SLICES = "rank-slices"
    """Do later tokens, in the slice of another rank, change an earlier score? (C3)"""
    BOUNDARY = "document-boundary"
    """Does a document's neighbour change its first scores? (a finding of its own)"""


@dataclass(frozen=True, slots=True)
class TestEnd:
    """How one test ended on one phase."""

    test: Test
    call: Call
    reason: str
    """One sentence with the numbers."""
    condition: str = ""
    """C1, C2, C3, C4, DATA, or BPB (bytes are counted wrongly) for a LEAK."""
    pattern: str = ""
    """What the changed positions look like: whole-validation, window, batch, chunk, scattered."""
    position: int = -1
    """First position (index of the target in the validation stream) concerned; -1 for none."""
    count: int = 0
    """Positions concerned."""
    total: int = 0
    """Positions tested."""
    magnitude: float = 0.0
    """Largest change, in nats; for normalisation the sum farthest from one."""
    line: str = ""
    """`file:line` where the values enter the sum."""
    power: dict[str, float] = field(default_factory=dict)
    """What the positive controls showed, by name (`later_changed`, `planted_caught`, `noise_nats`, ...)."""
    figures: dict[str, Any] = field(default_factory=dict)
    """More numbers by name."""

    def document(self) -> dict[str, Any]:
        """Return plain data for a report line."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class PhaseEnd:
    """One evaluation call and what the tests said of it."""

    phase: int
    function: str
    line: str
    val_loss: float | None
    val_bpb: float | None
    headline: bool
    """Its number is the last one reported, or the one the run prints as final."""
    items: int
    """Token losses watched on their way into the sum."""
    tests: tuple[TestEnd, ...]

    def document(self) -> dict[str, Any]:
        """Return plain data for a report line."""
        return {**asdict(self), "tests": [test.document() for test in self.tests]}
