"""Hold smoke runs against the lines that the community's own smoke test printed.

Its test imported a script on one machine, so only the import and the figures beside it can be compared: an
`import OK` is met where the import stage ended well, an `IMPORT_FAIL` where it did not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from containers.smoke_result import Label, StageName, summary

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from containers.smoke_result import SmokeResult
    from harness.score.labels import CommunityLabel
    from harness.smoke.measured import Run

_FIGURE = re.compile(r"\b(dim|layers|vocab|code)=(\d+)(?!\d*\()")
_CUT = re.compile(r"=\d+\Z")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the community's smoke test."""

    pr: int
    text: str
    imported: bool
    figures: dict[str, int]
    """Those that are whole: a cut line loses its last one."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One line with our run of the same pull request."""

    line: Line
    run: Run | None
    """None where the sweep has no run of it."""
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One line that our run does not meet."""

    pr: int
    what: str


def lines_of(labels: Sequence[CommunityLabel]) -> tuple[Line, ...]:
    """Return the smoke lines of even-numbered pull requests, by number."""
    found = [_line(label.pr, label.smoke) for label in labels if label.smoke and label.pr % 2 == 0]
    return tuple(sorted(found, key=lambda line: line.pr))


def _line(pr: int, text: str) -> Line:
    figures = {match[1]: int(match[2]) for match in _FIGURE.finditer(text)}
    if _CUT.search(text) and figures:
        figures.popitem()
    return Line(pr, text, text.startswith("import OK"), figures)


def compare(lines: Sequence[Line], runs: Sequence[Run]) -> tuple[Compared, ...]:
    """Return every line with the run that it is about."""
    by_pr: dict[int, list[Run]] = {}
    for run in runs:
        by_pr.setdefault(run.pr, []).append(run)
    return tuple(_compare(line, by_pr.get(line.pr, [])) for line in lines)


def _compare(line: Line, runs: list[Run]) -> Compared:
    """Compare with the folder whose script has the size the line names, else with the first."""
    if not runs:
        return Compared(line, None, ("no run of this pull request",))
    code = line.figures.get("code")
    run = next((run for run in runs if run.result.figures.code_bytes == code), runs[0])
    return Compared(line, run, tuple(_differences(line, run.result)))


def _differences(line: Line, result: SmokeResult) -> Iterator[str]:
    """Yield what the line and the run say differently."""
    imported = any(end.stage is StageName.IMPORT and end.status == "ok" for end in result.stages)
    if line.imported != imported:
        ours = "it imports" if imported else summary(result)
        yield f"theirs: {line.text[:160]}; ours: {ours}"
    if not (line.imported and imported):
        return
    figures = result.figures
    ours_by_name = {
        "dim": figures.dim,
        "layers": figures.layers,
        "vocab": figures.vocab,
        "code": figures.code_bytes,
    }
    for name, value in line.figures.items():
        if ours_by_name[name] != value:
            yield f"{name}: theirs {value}, ours {ours_by_name[name]}"


def disagreements(compared: Sequence[Compared]) -> tuple[Disagreement, ...]:
    """Return the lines that are not met."""
    return tuple(
        Disagreement(item.line.pr, "; ".join(item.differences)) for item in compared if item.differences
    )


def went_further(compared: Sequence[Compared]) -> int:
    """Return how many scripts that only imported there ran to the end here."""
    return sum(item.run is not None and item.run.result.label is Label.PASS for item in compared)
