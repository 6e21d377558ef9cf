"""What the preflight found. A difference is a finding, not a failure, unless the caller is strict."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How much a finding matters."""

    FINE = "fine"
    DIFFERENT = "different"
    """Not what the challenge runs on; the result has to be read with it."""
    BLOCKING = "blocking"
    """Nothing can be run, or nothing would mean anything."""


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that was looked at."""

    name: str
    level: Level
    detail: str


@dataclass(frozen=True, slots=True)
class Preflight:
    """Everything that was looked at, in order."""

    found: tuple[Found, ...]

    def blocking(self, *, strict: bool) -> tuple[Found, ...]:
        """Return what stands in the way."""
        bad = (Level.BLOCKING, Level.DIFFERENT) if strict else (Level.BLOCKING,)
        return tuple(entry for entry in self.found if entry.level in bad)
