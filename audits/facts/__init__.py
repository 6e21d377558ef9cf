"""Everything that was read off a submission, before any rule has an opinion."""

from __future__ import annotations

from dataclasses import dataclass, field

from audits.challenge import Challenge, Track
from audits.facts.artifact import ArtifactFacts
from audits.facts.boundaries import BoundaryFacts
from audits.facts.byte_table import ByteTableFacts
from audits.facts.claims import Claims
from audits.facts.code import CodeFacts
from audits.facts.logs import LogFacts
from audits.facts.native import NativeFacts
from audits.submission import Submission


@dataclass(frozen=True, slots=True)
class Facts:
    """The one argument of every rule."""

    submission: Submission
    challenge: Challenge
    track: Track
    """The track that applies; `Track.unknown` is true when none could be told."""
    code: CodeFacts
    logs: tuple[LogFacts, ...]
    claims: Claims
    artifact: ArtifactFacts
    byte_table: ByteTableFacts
    native: NativeFacts = field(default_factory=NativeFacts)
    """Per-position predictors, in native sources and in Python."""
    boundaries: BoundaryFacts = field(default_factory=BoundaryFacts)
    """What reaches across the start of a packed document."""


__all__ = ["Facts"]
