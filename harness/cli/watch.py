"""`referee watch`: review new heads of a repository's open pull requests, outside Actions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def watch(
    repo: Annotated[str, typer.Option(metavar="OWNER/NAME", help="Repository on GitHub.")],
    state: Annotated[Path, typer.Option(metavar="FILE", help="SQLite file of what was reviewed.")] = Path(
        "watch.sqlite"
    ),
    clone: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Bare clone to fetch into (default: NAME.git).")
    ] = None,
    runs: Annotated[Path, typer.Option(metavar="DIR", help="Where run directories go.")] = Path("runs/watch"),
    remote: Annotated[
        str | None, typer.Option(metavar="URL", help="Where to fetch from (default: GitHub).")
    ] = None,
    skip: Annotated[list[str] | None, typer.Option(metavar="STAGE", help="Do not run it: smoke.")] = None,
    every: Annotated[int, typer.Option(min=10, metavar="SECONDS", help="How often to look.")] = 300,
    once: Annotated[
        bool, typer.Option("--once", help="Look once and leave; 1 when a review failed.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Review, post nothing.")] = False,
    author: Annotated[
        str | None, typer.Option(metavar="LOGIN", help="Who the token writes as (default: asks GitHub).")
    ] = None,
) -> None:
    """Poll open pull requests and review what is new; one bad pull request never blocks the next.

    GITHUB_TOKEN holds the token.
    """
    import time

    from audits.rules import discover
    from harness.github.client import connect
    from harness.github.state import State
    from harness.github.watch import Watch, look
    from harness.report.review import rulebook_digest

    client = connect(repo)
    from githubkit.exception import GitHubException

    with State(state) as kept:
        watching = Watch(
            client=client,
            state=kept,
            clone=clone or Path(f"{client.name}.git"),
            remote=remote or f"https://github.com/{client.slug}.git",
            runs=runs,
            author=author or ("" if dry_run else client.api.rest.users.get_authenticated().json()["login"]),
            rulebook=rulebook_digest(discover()),
            skip=tuple(skip or ()),
            dry_run=dry_run,
        )
        while True:
            try:
                failed = look(watching, typer.echo)
            except GitHubException as fault:
                if once:
                    raise
                typer.echo(f"GitHub could not be asked: {fault!r}", err=True)
            else:
                if once:
                    raise typer.Exit(1 if failed else 0)
            time.sleep(every)


__all__ = ["watch"]
