"""The records of a launch plan. Frozen; they say what would be run, never whether it is right."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from audits.facts.layer import Layer
from audits.submission import RunCommand


@dataclass(frozen=True, slots=True)
class Choice:
    """One decision of the plan, with where it rests."""

    what: str
    why: str
    path: str = ""
    """File of the folder that it was read from, else empty."""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Variable:
    """One environment variable of the claimed run."""

    name: str
    value: str
    source: str
    """`command`, or `readme` where no command is documented; `log` and `side_file` have the last word."""
    path: str
    line: int


@dataclass(frozen=True, slots=True)
class Requirement:
    """One package that a requirements file asks for."""

    name: str
    """Normalised: lower case, dashes."""
    text: str
    """The line as written, comments cut."""
    path: str
    line: int


@dataclass(frozen=True, slots=True)
class Need:
    """One package that the reachable code imports, beyond the standard library and the folder."""

    package: str
    """Top-level import name."""
    guarded: bool
    """The script survives without it."""
    path: str
    line: int
    layer: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One file of the folder that is not among `LaunchPlan.files`."""

    path: str
    size: int
    """-1 when unknown."""
    blob_id: str
    why: str
    readable: bool
    """Whether it is where the submission came from, so that it can be read when it is needed."""


@dataclass(frozen=True, slots=True)
class LaunchPlan:
    """What would be run for the claimed result."""

    script: str | None
    """Main script, relative to the folder; None when there is none."""
    arguments: tuple[str, ...]
    """Words after the script in the documented command."""
    environment: tuple[Variable, ...]
    """By name, without what only a launcher or the host sets."""
    nproc: int | None
    """Processes that the documented command starts on one node; None when it does not say."""
    command: RunCommand | None
    """The documented command that the plan follows."""
    files: tuple[tuple[str, bytes], ...]
    """Files to lay out, relative path to content, by path."""
    left_out: tuple[LeftOut, ...]
    requirements: tuple[Requirement, ...]
    needs: tuple[Need, ...]
    """Packages by name; the unguarded import first where there are several."""
    declared: frozenset[str]
    """Import names among `needs` that the folder declares somewhere, in any of their spellings."""
    layers: tuple[Layer, ...]
    """Readable sources: files as committed and what was unpacked from them. For reference, never run."""
    headline_labels: tuple[str, ...]
    """Labels of the log lines that carry the claimed score: which evaluation is the headline."""
    choices: tuple[Choice, ...]

    def env(self) -> dict[str, str]:
        """Return the environment as a mapping."""
        return {entry.name: entry.value for entry in self.environment}

    def digest(self) -> str:
        """Return a digest of everything that would be run: script, arguments, environment, files."""
        whole = hashlib.sha256()
        words = (self.script or "", *self.arguments, *(f"{e.name}={e.value}" for e in self.environment))
        for word in words:
            whole.update(word.encode("utf-8", "surrogatepass") + b"\0")
        for path, data in self.files:
            whole.update(path.encode("utf-8", "surrogatepass") + b"\0" + hashlib.sha256(data).digest())
        return whole.hexdigest()

    def source(self, path: str, layer: int = 0) -> str | None:
        """Return a readable source of the folder, or None."""
        return next((e.source for e in self.layers if (e.path, e.index) == (path, layer)), None)
