"""Options that several subcommands take, each written once: the same words mean the same everywhere."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

Targets = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[TARGET]...", help="Record folders, scripts or pull request URLs; the examples when none."
    ),
]
Repo = Annotated[str | None, typer.Option(metavar="DIR", help="Read from this clone or bare mirror.")]
PullRequest = Annotated[
    int | None, typer.Option(metavar="N", help="Pull request (refs/pull/N/head of --repo).")
]
Ref = Annotated[str | None, typer.Option(metavar="REF", help="Branch, tag or commit of --repo.")]
Folder = Annotated[str | None, typer.Option(metavar="NAME", help="Record folder, where there are several.")]
Base = Annotated[str | None, typer.Option(metavar="REF", help="What to compare with (default: main).")]
AsOf = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], metavar="DATE", help="The policy as it was that day."),
]
Output = Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write to a file.")]
RunDirectory = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Keep the run: every format and what it was made from.")
]
