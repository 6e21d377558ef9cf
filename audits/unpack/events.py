"""What the analysis of one source found out: what it runs, what it unpacks, what it could not tell."""

from __future__ import annotations

from dataclasses import dataclass, field

from audits.unpack.values import Data


@dataclass(frozen=True, slots=True)
class RunsText:
    """Text that is executed."""

    data: Data
    line: int
    module: str | None
    """Name of the module it is executed in, None when in the script's own names or as the main program."""


@dataclass(frozen=True, slots=True)
class RunsFile:
    """A committed file that is executed."""

    path: str
    line: int
    module: str | None


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why something could not be followed."""

    code: str
    line: int
    message: str


@dataclass(slots=True)
class Trace:
    """All findings about one source, in order."""

    runs: list[RunsText | RunsFile] = field(default_factory=list)
    decoded: list[Data] = field(default_factory=list)
    """Every decoder result, executed or not."""
    troubles: list[Trouble] = field(default_factory=list)
    written: dict[str, Data] = field(default_factory=dict)
    """Files that the script writes, by path."""
    native: list[tuple[Data, str]] = field(default_factory=list)
    """C or CUDA text handed to a compiler, with its language."""

    def trouble(self, code: str, line: int, message: str) -> None:
        """Record a trouble once per line."""
        found = Trouble(code, line, message)
        if found not in self.troubles and len(self.troubles) < 64:
            self.troubles.append(found)
