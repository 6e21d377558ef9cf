"""How one rule ended on one submission, and what it points at."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from audits.location import Location


class Axis(StrEnum):
    """The six questions a verdict answers."""

    LEGALITY = "legality"
    LIMITS = "limits"
    METRIC = "metric"
    PACKAGE = "package"
    CLAIMS = "claims"
    RECORD = "record"


class Condition(StrEnum):
    """What a rule protects: one of the four conditions, data access, or the challenge's own terms."""

    C1 = "C1"
    C2 = "C2"
    C3 = "C3"
    C4 = "C4"
    DATA = "DATA"
    SIZE = "SIZE"
    TIME = "TIME"
    HARDWARE = "HARDWARE"
    BPB = "BPB"
    PACKAGE = "PKG"
    CLAIM = "CLAIM"
    STATISTICS = "STAT"
    INTAKE = "INTAKE"


class Status(StrEnum):
    """How a rule ended. `clean` states that the rule saw the code it judges."""

    FLAGGED = "flagged"
    CLEAN = "clean"
    DORMANT = "dormant"
    NOT_APPLICABLE = "not_applicable"
    UNCLEAR = "unclear"
    CRASHED = "crashed"


class Severity(StrEnum):
    """How bad a flagged finding is before any policy is applied."""

    VIOLATION = "violation"
    """Breaks a written or ruled rule (ILLEGAL on legality, VIOLATION elsewhere)."""
    DISPUTED = "disputed"
    """Readings differ; a policy decides. FLAG by default."""
    WARNING = "warning"
    """A reviewer should look; on its own it is a FLAG on no axis but is shown."""
    NOTE = "note"
    """Worth knowing; changes nothing."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One place and what it shows. The first one of an outcome is its primary location."""

    location: Location | None
    message: str
    status: Status = Status.FLAGGED
    severity: Severity = Severity.VIOLATION
    confidence: float = 1.0
    pattern: str | None = None
    """Short name of the pattern seen here, when it differs from the rule's own."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one rule ended, with its reason and the places it rests on."""

    rule: str
    axis: Axis
    condition: Condition
    status: Status
    reason: str
    evidence: tuple[Evidence, ...] = ()
    severity: Severity = Severity.VIOLATION
    confidence: float = 1.0
    patterns: tuple[str, ...] = ()
    """Short names of reachable patterns recognised, legal ones included."""
    dormant: tuple[str, ...] = ()
    """Short names of patterns present but switched off in the run that is claimed."""
    dispute: str | None = None
    """Key into the policy's `[disputes]` table when readings differ (`context-only-slot`), else None."""
    yields_to: tuple[str, ...] = ()
    """Ids of measurements that, where they end clean, answer what this outcome leaves open."""
