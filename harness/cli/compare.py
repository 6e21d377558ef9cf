"""`referee compare` and `referee report`: judge and render a saved replay again, without a GPU."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

Directory = Annotated[Path, typer.Argument(metavar="RUNDIR", help="Directory that `referee replay` wrote.")]


class ReportFormat(StrEnum):
    """Which report is printed."""

    MD = "md"
    HTML = "html"
    JSON = "json"


def compare(directory: Directory) -> None:
    """Compare claim and measurement of a saved replay again."""
    from harness.replay.command import exit_code_of, told
    from harness.replay.replaying import compare_again
    from harness.rundir import ReplayDir

    comparison = compare_again(ReplayDir(directory))
    typer.echo(told(comparison))
    raise typer.Exit(int(exit_code_of(comparison)))


def report(
    directory: Directory,
    format_: Annotated[ReportFormat, typer.Option("--format", help="Which report.")] = ReportFormat.MD,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write to a file.")
    ] = None,
) -> None:
    """Render a saved replay; the same directory gives the same bytes."""
    from harness.replay.report import render
    from harness.rundir import ReplayDir

    text = render(ReplayDir(directory), format_.value)
    if output is None:
        typer.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")


__all__ = ["compare", "report"]
