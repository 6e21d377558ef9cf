"""`referee publish`: the privileged half of CI, from a finished run to comment, check run and label."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

REFUSED = 3
"""Exit code of an upload that was refused."""


def publish(
    event: Annotated[
        Path, typer.Option(envvar="GITHUB_EVENT_PATH", metavar="FILE", help="The workflow_run event.")
    ],
    author: Annotated[
        str, typer.Option(metavar="LOGIN", help="Who the token writes as.")
    ] = "github-actions[bot]",
) -> None:
    """Publish the review that a finished CI run uploaded.

    Trusts the event and the API, never the upload. GITHUB_TOKEN holds the token. Leaves with 0 when it was
    published or a newer run has the word, 3 when the upload was refused, 2 after a mistake of usage.
    """
    from harness.github.client import connect
    from harness.github.event import read_event
    from harness.github.faults import RefusedError
    from harness.github.publish import publish as carry_out

    try:
        known = read_event(event)
    except RefusedError as refused:
        print(f"referee: refused: {refused.reason}", file=sys.stderr)
        raise typer.Exit(REFUSED) from None
    told = carry_out(connect(known.repository.full_name), known, author)
    for line in told.done:
        typer.echo(line)
    if told.superseded:
        typer.echo(f"nothing published: {told.superseded}")
    if told.refused:
        print(f"referee: refused: {told.refused}", file=sys.stderr)
        raise typer.Exit(REFUSED)


__all__ = ["publish"]
