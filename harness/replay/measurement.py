"""What one run measured: every number with who took it.

`HARNESS` numbers were taken from outside; `SUBMISSION` numbers are what the run printed about itself, kept
for comparison and never promoted.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from containers.engine.live import LiveExit
from harness.replay.interval import Interval
from harness.replay.limits import Breach
from harness.replay.phases import Span


class By(StrEnum):
    """Who took a number."""

    HARNESS = "harness"
    SUBMISSION = "submission"


class Ending(StrEnum):
    """How a run ended, as seen from outside."""

    FINISHED = "finished"
    """Its first process returned 0 by itself."""
    FAILED = "failed"
    """Its first process returned another status, or was ended by a signal that we did not send."""
    STOPPED_AT_LIMIT = "stopped_at_limit"
    INTERRUPTED = "interrupted"
    """By the person who started it."""
    NEVER_RAN = "never_ran"


class Fault(StrEnum):
    """Whose fault a failed run is."""

    SUBMISSION = "submission"
    INFRASTRUCTURE = "infrastructure"


@dataclass(frozen=True, slots=True)
class FileMeasured:
    """One file that the run left, as it lies on disk."""

    path: str
    """Relative to scratch."""
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class ArtifactMeasured:
    """Bytes that count, taken from files: the model's, and the code's under three readings."""

    model_path: str | None
    """The file that was read back before scoring, or the largest one written; None when none was."""
    model_bytes: int | None
    read_back: bool
    """The file was seen to be opened after it was written."""
    strict: int | None
    """Model and every local code file that the scored path needs."""
    readme: int | None
    """Model and the main script as committed."""
    practice: int | None
    """Model and the main script packed."""


@dataclass(frozen=True, slots=True)
class ScoreMeasured:
    """The result that stands for the run, as printed: the submission's word, with what speaks for it."""

    label: str
    line: int
    """Line of stated.log."""
    val_loss: float | None
    val_bpb: float
    implied_bytes: float | None
    """tokens x loss / (ln 2 x val_bpb): what the two numbers say about the text."""
    split_bytes: float | None
    """Bytes of the validation text by our own table, where we have it."""


@dataclass(frozen=True, slots=True)
class SplitEvaluation:
    """The evaluation run again from the artifact alone, without training data."""

    val_bpb: float | None
    seconds: Interval
    why_not: str = ""
    """Why there is no score, else empty."""


@dataclass(frozen=True, slots=True)
class Sign:
    """Something seen that an honest run does not show."""

    kind: str
    """Stable word: `clock`, `numbers`, `network`, `write-outside`, `split-eval`, `daemon`, ..."""
    detail: str
    proves: bool
    """It makes the run's evidence worthless on its own; else it is only worth knowing."""


@dataclass(frozen=True, slots=True)
class SeedMeasurement:
    """One run of one seed."""

    seed: int
    ending: Ending
    exit: LiveExit | None
    wall_seconds: float
    """HARNESS: from launch to the end of the first process."""
    breach: Breach | None
    spans: tuple[Span, ...]
    """HARNESS boundaries with SUBMISSION clocks beside."""
    training: Interval
    """HARNESS."""
    own_training_seconds: float | None
    """SUBMISSION."""
    evaluation: Interval | None
    """HARNESS: of the evaluation that gave the score."""
    own_evaluation_seconds: float | None
    """SUBMISSION."""
    steps: int | None
    """SUBMISSION: the last step that was printed."""
    artifact: ArtifactMeasured
    """HARNESS."""
    score: ScoreMeasured | None
    """SUBMISSION."""
    split: SplitEvaluation | None
    files: tuple[FileMeasured, ...]
    """HARNESS."""
    signs: tuple[Sign, ...]
    fault: Fault | None
    """Set when the run did not finish by itself."""
    fault_evidence: str
    left_behind: tuple[str, ...]
    missing_isolation: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast this machine trains the reference, against a stored table."""

    tokens_per_second: float
    expected_tokens_per_second: float | None
    """Of the table's entry for this GPU, None where there is none."""

    @property
    def ratio(self) -> float | None:
        """Return this machine's speed as a share of the expected."""
        expected = self.expected_tokens_per_second
        return self.tokens_per_second / expected if expected else None


@dataclass(frozen=True, slots=True)
class Measurement:
    """All runs of one replay."""

    seeds: tuple[SeedMeasurement, ...]
    speed: Speed | None = None
