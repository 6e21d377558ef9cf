"""`referee audit`: read one submission or several, judge them, print the review."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class PolicyName(StrEnum):
    """The readings of the rules that ship."""

    PRACTICE = "practice"
    README = "readme"
    STRICT = "strict"


class Format(StrEnum):
    """How a review is printed."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    MARKDOWN = "markdown"


def audit(
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TARGET]...",
            help="Record folders, scripts or pull request URLs; the examples when none.",
        ),
    ] = None,
    repo: Annotated[
        str | None, typer.Option(metavar="DIR", help="Read from this clone or bare mirror.")
    ] = None,
    pr: Annotated[
        int | None, typer.Option(metavar="N", help="Pull request (refs/pull/N/head of --repo).")
    ] = None,
    ref: Annotated[str | None, typer.Option(metavar="REF", help="Branch, tag or commit of --repo.")] = None,
    folder: Annotated[
        str | None, typer.Option(metavar="NAME", help="Record folder, where there are several.")
    ] = None,
    base: Annotated[
        str | None, typer.Option(metavar="REF", help="What to compare with (default: main).")
    ] = None,
    challenge: Annotated[
        str | None, typer.Option(metavar="NAME", help="Challenge (default: from the track).")
    ] = None,
    policy: Annotated[PolicyName, typer.Option(help="Reading of the rules.")] = PolicyName.PRACTICE,
    as_of: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], metavar="DATE", help="The policy as it was that day."),
    ] = None,
    format_: Annotated[Format, typer.Option("--format", help="Output format.")] = Format.TEXT,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write to a file.")
    ] = None,
    run_dir: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep the run: every format and what it was made from.")
    ] = None,
    show_source: Annotated[
        bool, typer.Option("--show-source", help="Print unpacked source with findings.")
    ] = False,
    no_exit_codes: Annotated[
        bool, typer.Option("--no-exit-codes", help="Leave with 0 whatever the verdict.")
    ] = False,
) -> None:
    """Audit submissions without running them.

    Leaves with 0 CLEAN, 10 FLAG or UNCLEAR, 11 ILLEGAL or VIOLATION, 12 NEEDS_AUTHOR_ACTION, 13 nothing to
    audit; 1 is a bug of ours, 2 a mistake of usage.
    """
    from harness.auditing import Request, run_audit

    request = Request(
        targets=tuple(targets or ()),
        repo=repo,
        pr=pr,
        ref=ref,
        folder=folder,
        base=base,
        challenge=challenge,
        policy=policy.value,
        as_of=as_of.date() if as_of else None,
    )
    code = run_audit(request, format_.value, output, run_dir=run_dir, show_source=show_source)
    raise typer.Exit(0 if no_exit_codes and code >= 10 else int(code))


__all__ = ["audit"]
