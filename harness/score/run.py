"""Carry out `referee score`: read the sweep and the labels, score, write. Only orders the steps."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from audits.errors import UserError
from harness.rundir import SweepDir
from harness.score.corrections import read_corrections
from harness.score.labels import read_label_file
from harness.score.report import score
from harness.sweep.reader import Reader

if TYPE_CHECKING:
    from harness.score.labels import LabelFile
    from harness.score.report import ScoreReport

_CORPUS = Path(__file__).resolve().parents[2] / "tests" / "audits" / "corpus"
CORRECTIONS = _CORPUS / "corrections.jsonl"
EXPLANATIONS = _CORPUS / "explanations.toml"


@dataclass(frozen=True, slots=True)
class Request:
    """What the caller wants measured, and where it goes."""

    run: Path
    labels: tuple[Path, ...] = ()
    corrections: Path | None = None
    """The corrections of this checkout when None."""
    against: Path | None = None
    """An earlier sweep."""
    policy: str = "practice"
    format_: str = "text"
    output: Path | None = None
    accuracy: Path | None = None
    """Where the page for docs/ goes, None for the plain report."""
    explanations: Path | None = None
    """The explanations of this checkout when None."""
    date: str | None = None
    """What the page gives as its day; the day of the sweep when None."""


def run_score(request: Request) -> None:
    """Measure a sweep and write what was found."""
    report = report_of(request)
    if request.accuracy is not None:
        _write_accuracy(request, request.accuracy, report)
        if request.output is None:
            return
    if request.format_ == "text" and request.output is None:
        from harness.score.sections import report_blocks
        from harness.score.text import render_text

        render_text(report_blocks(report), sys.stdout)
        return
    _deliver(rendered(report, request.format_), request.output)


def report_of(request: Request) -> ScoreReport:
    """Return the score that `request` asks for."""
    if not request.labels and request.against is None:
        raise UserError("there is nothing to compare with", "--labels FILE, or --against OLDRUN")
    files = [read_label_file(path) for path in request.labels]
    _refuse_twice(files)
    corrections = _chosen(request.corrections, CORRECTIONS)
    store = Reader.open(request.run)
    earlier = Reader.open(request.against) if request.against is not None else None
    try:
        return score(
            store, files, read_corrections(corrections) if corrections else (), earlier, request.policy
        )
    finally:
        store.close()
        if earlier is not None:
            earlier.close()


def rendered(report: ScoreReport, format_: str) -> str:
    """Return the report in one of the formats."""
    from harness.score.sections import report_blocks

    if format_ == "json":
        from harness.score.json_report import to_json

        return to_json(report)
    if format_ == "markdown":
        from harness.score.markdown import render_markdown

        return render_markdown("Score", report_blocks(report))
    from io import StringIO

    from harness.score.text import render_text

    out = StringIO()
    render_text(report_blocks(report), out)
    return out.getvalue()


def _write_accuracy(request: Request, path: Path, report: ScoreReport) -> None:
    """Write the page, say what is unexplained, and fail when an explanation has lost its case."""
    from harness.score.accuracy import render_accuracy
    from harness.score.explanations import Explanations, case_keys, read_explanations

    file = _chosen(request.explanations, EXPLANATIONS)
    explanations = read_explanations(file) if file else Explanations()
    _deliver(render_accuracy(report, explanations, request.date or _swept_on(request.run)), path)
    cases, missing = len(case_keys(report)), len(explanations.missing(report))
    print(f"{path}: {cases} cases, {missing} unexplained")
    stale = explanations.stale(report)
    if stale:
        raise UserError(f"explanations that fit no case: {'; '.join(stale)}", f"remove them from {file}")


def _chosen(named: Path | None, usual: Path) -> Path | None:
    """Return the file that the caller named, else the usual one where it is there."""
    return named if named is not None else usual if usual.is_file() else None


def _swept_on(run: Path) -> str:
    return datetime.fromtimestamp(SweepDir(run).store.stat().st_mtime, UTC).date().isoformat()


def _refuse_twice(files: list[LabelFile]) -> None:
    """Refuse labels that two files share: they would count twice."""
    seen: dict[tuple[object, ...], str] = {}
    for file in files:
        keys: list[tuple[object, ...]] = [(g.pr, g.folder, g.round) for g in file.gold]
        keys += [(c.pr, c.source, c.verdict) for c in file.community]
        for key in keys:
            if seen.setdefault(key, file.name) != file.name or files.count(file) > 1:
                raise UserError(
                    f"#{key[0]} is labelled twice, in {seen[key]} and {file.name}", "name each file once"
                )


def _deliver(text: str, path: Path | None) -> None:
    """Write to a file or to standard output."""
    if path is None:
        sys.stdout.write(text)
        return
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}", "choose another file") from error
