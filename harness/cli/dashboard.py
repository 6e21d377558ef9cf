"""`referee dashboard`: write the static site of a sweep."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def dashboard(
    run_dir: Annotated[Path, typer.Argument(metavar="RUNDIR", help="Directory of a sweep.")],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="DIR", help="Where the site goes; an older one is replaced."),
    ] = Path("site"),
    labels: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Labels to hold the rules against; repeat for several files."),
    ] = None,
    reviews: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="Kept reviews to show beside the sweep; repeat for several."),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", metavar="N", min=1, help="Processes (default: all cores).")
    ] = None,
) -> None:
    """Write a static site of a sweep, with a page a pull request and a page a rule."""
    import os

    from harness.dashboard.build import build_site

    built = build_site(
        run_dir, output, tuple(labels or ()), jobs or len(os.sched_getaffinity(0)), tuple(reviews or ())
    )
    typer.echo(
        f"{built.out}/index.html: {built.pulls:,} pull requests, {built.folders:,} rows,"
        f" {built.pages:,} pages in {built.seconds:.1f} s"
    )


__all__ = ["dashboard"]
