"""What a sweep knows of each pull request and each record folder. Frozen; judges nothing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from audits.outcome import Axis

if TYPE_CHECKING:
    from collections.abc import Mapping


Where = tuple[int, int]
"""Pull request and position of the folder in it."""


class State(StrEnum):
    """How far a pull request or a record folder came. Every one asked for has exactly one."""

    PENDING = "pending"
    """Not looked at yet: the sweep was interrupted."""
    AUDITED = "audited"
    NOTHING = "nothing_to_audit"
    """The pull request holds no record folder and no training script."""
    CRASHED = "crashed"
    """Timed out, ran out of memory or raised; `cause` says which. Never a pass."""


@dataclass(frozen=True, slots=True)
class Pull:
    """One pull request that was asked for."""

    pr: int
    head_sha: str
    committed_at: str
    """Commit date of the head, ISO 8601 in UTC: mirrors know no other date."""
    state: State
    cause: str
    """Why it crashed, else empty."""
    notes: tuple[str, ...]
    """What intake has to say about the choice of folders."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One record folder of a pull request."""

    pr: int
    position: int
    """0 for the first folder of the pull request, in order of path."""
    path: str
    """Relative to the root of the repository."""
    track: str | None
    folder: str
    main_script: str | None
    script_blob: str
    """Git blob id of the main script, empty when there is none."""
    facts_key: str
    """Digest of everything that is read to get the facts."""
    state: State
    cause: str
    cluster: str
    """Name of the cluster of near-identical scripts, `PR/position` of its first member."""


@dataclass(frozen=True, slots=True)
class StoredVerdict:
    """A verdict as it was stored; see `audits.verdict`."""

    policy: str
    edition: str
    overall: str
    axes: Mapping[str, str]
    """Axis to call."""
    deciding: tuple[str, ...]

    @property
    def legality(self) -> str:
        """Return the call on legality."""
        return self.axes[Axis.LEGALITY]


@dataclass(frozen=True, slots=True)
class StoredSmoke:
    """The smoke run of one record folder as it was stored."""

    key: str
    """Digest of what was run, in which image, within which limits."""
    judge: str
    """Digest of the code that interpreted it."""
    document: str
    """The result, as JSON."""
    recording: bytes | None
    """Everything that the box told, packed, to be interpreted again; None where nothing ran."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures of one entry that tables and charts show. Claims unless it says measured."""

    name: str
    author: str
    github_id: str
    date: str
    claimed_bpb: float | None
    claimed_at: str
    """`path:line` of the claim."""
    logged_bpb: float | None
    """Mean of the scored lines of the logs, bits per byte."""
    logs: int
    """Logs that state a score."""
    seeds: tuple[int, ...]
    artifact_bytes: int | None
    """Largest total that a log states, else the claimed one."""
    code_bytes: int | None
    """Measured on the committed files, practised reading."""
    train_seconds: float | None
    eval_seconds: float | None
    val_tokens: int | None
    implied_bytes: float | None
    """Bytes that val_tokens, val_loss and val_bpb of one scored line imply together."""
    vocab_size: int | None
    hardware: str


@dataclass(frozen=True, slots=True)
class Judged:
    """One audited record folder with its verdicts."""

    entry: Entry
    head_sha: str
    committed_at: str
    verdicts: Mapping[str, StoredVerdict]
    """By policy: practice, readme, strict."""
    patterns: tuple[str, ...]
    """Short names of reachable patterns, legal ones included."""
    dormant: tuple[str, ...]
    """Short names of patterns present but switched off."""
    statuses: Mapping[str, str]
    """Rule id to how it ended."""
    summary: Summary | None
    """None when the facts could not be read."""
