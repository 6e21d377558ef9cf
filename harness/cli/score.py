"""`referee score`: hold a sweep against labels, and against an earlier sweep."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.audit import PolicyName


class ScoreFormat(StrEnum):
    """How a score is printed."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


def score(
    run: Annotated[Path, typer.Argument(metavar="RUNDIR", help="Directory of a sweep.")],
    labels: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", help="Gold or community labels, one JSON object a line; may be repeated."
        ),
    ] = None,
    corrections: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Contested labels (default: the checkout's corrections.jsonl)."),
    ] = None,
    against: Annotated[
        Path | None, typer.Option(metavar="OLDRUN", help="Show what changed since this earlier sweep.")
    ] = None,
    policy: Annotated[PolicyName, typer.Option(help="Reading of the rules.")] = PolicyName.PRACTICE,
    format_: Annotated[ScoreFormat, typer.Option("--format", help="Output format.")] = ScoreFormat.TEXT,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write to a file.")
    ] = None,
    accuracy: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the accuracy page instead (docs/accuracy.md).")
    ] = None,
    explanations: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Why cases are as they are (default: the checkout's explanations.toml)."
        ),
    ] = None,
    date: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], metavar="DATE", help="Day on the page (default: of the sweep)."),
    ] = None,
) -> None:
    """Measure the verdicts of a sweep against labels.

    Leaves with 0 whatever the figures, 2 after a mistake of usage or when an explanation has lost its case.
    """
    from harness.score.run import Request, run_score

    run_score(
        Request(
            run=run,
            labels=tuple(labels or ()),
            corrections=corrections,
            against=against,
            policy=policy.value,
            format_=format_.value,
            output=output,
            accuracy=accuracy,
            explanations=explanations,
            date=date.date().isoformat() if date else None,
        )
    )


__all__ = ["score"]
