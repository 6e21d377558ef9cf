"""Hand-written explanations: why a run did not pass, and why a line of the community's smoke test differs.

Promises that what nobody explained says so, that an explanation names the label it was written for, and that
one whose case is gone or has another label is found out.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from audits.errors import UserError
from containers.smoke_result import FAULTS, Label

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from harness.smoke.community import Disagreement
    from harness.smoke.measured import Run

UNEXPLAINED = "unexplained"
_CONFIRMABLE = FAULTS | {Label.ESCAPE_ATTEMPT, Label.TIMEOUT, Label.RESOURCE}


@dataclass(frozen=True, slots=True)
class RunExplanation:
    """Why one run did not pass."""

    pr: int
    label: Label
    why: str
    theirs: bool = False
    """Somebody read the code and found the fault in the submission."""
    folder: str = ""
    """Needed where a pull request has several folders with that label."""


@dataclass(frozen=True, slots=True)
class LineExplanation:
    """Why one line of the community's smoke test says something else."""

    pr: int
    why: str


class Explanations:
    """The explanations of one file."""

    def __init__(self, runs: Iterable[RunExplanation] = (), lines: Iterable[LineExplanation] = ()) -> None:
        self.runs = tuple(runs)
        self.lines = {entry.pr: entry.why for entry in lines}

    def of(self, run: Run) -> RunExplanation | None:
        """Return the explanation of a run, None where there is none for this label."""
        for entry in self.runs:
            if (entry.pr, entry.label) == (run.pr, run.result.label) and entry.folder in ("", run.folder):
                return entry
        return None

    def is_theirs(self, run: Run) -> bool:
        """Tell whether a reader confirmed that the fault is the submission's."""
        entry = self.of(run)
        return entry is not None and entry.theirs and run.result.label in _CONFIRMABLE

    def missing(self, runs: Sequence[Run], lines: Sequence[Disagreement]) -> tuple[str, ...]:
        """Return what nobody explained."""
        open_runs = [run for run in runs if run.result.label is not Label.PASS and self.of(run) is None]
        found = [f"#{run.pr} {run.folder}: {run.result.label}" for run in open_runs]
        return (*found, *(f"#{line.pr}: {line.what}" for line in lines if line.pr not in self.lines))

    def stale(self, runs: Sequence[Run], lines: Sequence[Disagreement]) -> tuple[str, ...]:
        """Return the explanations that fit nothing."""
        used = {id(entry) for run in runs if (entry := self.of(run)) is not None}
        known = {line.pr for line in lines}
        found = [f"#{entry.pr} {entry.label}" for entry in self.runs if id(entry) not in used]
        return (*found, *(f"#{pr}, a line" for pr in self.lines if pr not in known))


def read_explanations(path: Path) -> Explanations:
    """Return the explanations of a file: arrays of tables called `run` and `line`."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        runs = TypeAdapter(tuple[RunExplanation, ...]).validate_python(document.get("run", ()))
        lines = TypeAdapter(tuple[LineExplanation, ...]).validate_python(document.get("line", ()))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path.name} cannot be read: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UserError(f"{path.name}: {where}: {first['msg']}") from error
    return Explanations(runs, lines)
