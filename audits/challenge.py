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


@dataclass(frozen=True, slots=True)
class ByteConstant:
    """The known size of one tokenisation of the fixed validation split."""

    name: str
    val_tokens: int
    bytes_total: float
    canonical: bool = True


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
    improvement_nats: float = 0.005
    p_written: float = 0.01
    p_practised: float = 0.25

    def track(self, name: str | None) -> Track | None:
        """Return the track called `name`, or None."""
        return next((entry for entry in self.tracks if entry.name == name), None)
