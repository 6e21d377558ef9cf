"""An image that is ready, and what is raised when there is none."""

from __future__ import annotations

from dataclasses import dataclass


class BuildError(Exception):
    """The image could not be built: our side or the machine's, never a submission's."""


@dataclass(frozen=True, slots=True)
class Image:
    """An image that is ready to run submissions."""

    id: str
    """The engine's content digest, `sha256:...`."""
    tag: str
    base: str
    """The base that was really used, which may be a substitute for the one asked for."""
    built: bool
    """Whether this call built it."""
    build_seconds: float
