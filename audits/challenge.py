"""A challenge as data: tracks, caps, byte constants, log dialects. Loaded from `audits/challenges/*.toml`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Track:
    """The limits that bind one track. None means that the track sets no such limit."""

    name: str
    artifact_bytes: int | None
    train_seconds: float | None
    eval_seconds: float | None
    one_step_tolerance_seconds: float = 1.0
    world_size: int | None = None
    gpu_name: str | None = None
    record: bool = True
    """Whether entries claim a leaderboard record (significance and seeds are then judged)."""
    unknown: bool = False
    gpu_tolerated: tuple[str, ...] = ()
    """Other accelerators that accepted entries ran on."""
    reference: str | None = None
    """Track whose time limits are quoted for comparison where this one sets none."""
    spellings: tuple[str, ...] = ()
    """Lower-case words in a `track` claim that mean this track."""


@dataclass(frozen=True, slots=True)
class ByteConstant:
    """The known size of one tokenisation of the fixed validation split."""

    name: str
    val_tokens: int
    bytes_total: float
    canonical: bool = True


@dataclass(frozen=True, slots=True)
class LeaderboardRow:
    """One accepted row, as numbers, so that a later entry can be compared with it."""

    pr: int
    val_bpb: float
    """Mean over the seeds."""
    seed_bpb: tuple[float, ...] = ()
    """Per-seed values, empty when only the mean is known."""
    seed_nats: tuple[float, ...] = ()
    """Per-seed loss in nats per token, in the order of `seed_bpb`; empty when unknown."""
    vocabulary: str = ""
    """Tokenisation (`sp1024`); losses per token compare only within one."""


@dataclass(frozen=True, slots=True)
class OverlapFingerprint:
    """Counts that give away a training split holding validation documents."""

    val_tokens: int
    train_shards: tuple[int, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Challenge:
    """Everything that differs between one challenge and the next."""

    name: str
    title: str
    records_dir: str
    tracks: tuple[Track, ...]
    byte_constants: tuple[ByteConstant, ...]
    byte_tolerance: float
    """Relative tolerance of the implied-bytes invariant."""
    canonical_bytes: float
    required_files: tuple[str, ...]
    log_dialects: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Field name to regular expressions, tried in order; group 1 (and 2) carry the value."""
    log_triggers: tuple[tuple[str, str], ...] = ()
    """Field name to a literal that every line of that field contains (case-insensitive)."""
    provided_packages: tuple[str, ...] = ()
    """Distributions that an entry need not declare, lower case."""
    repository_scripts: tuple[str, ...] = ()
    """Scripts of the challenge's repository that a documented command may run."""
    overlap_fingerprints: tuple[OverlapFingerprint, ...] = ()
    leaderboard: tuple[LeaderboardRow, ...] = ()
    lowest_bpb: float = 0.0
    """Below this no entry that kept the rules has come; 0 where nobody has measured it."""
    evaluation_gain: float = 1.0
    """Share of a trained model's score beyond which no legal evaluation has gained."""
    trained_bpb: float = 0.0
    """A model that scores above this has learned too little for its gains to be compared."""
    improvement_nats: float = 0.005
    p_written: float = 0.01
    p_practised: float = 0.25

    def track(self, name: str | None) -> Track | None:
        """Return the track called `name`, or None."""
        return next((entry for entry in self.tracks if entry.name == name), None)
