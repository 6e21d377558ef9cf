"""`referee audit`: read one submission or several, judge them, print the review."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from harness.cli.options import AsOf, Base, Folder, Output, PullRequest, Ref, Repo, RunDirectory, Targets


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
    targets: Targets = None,
    repo: Repo = None,
    pr: PullRequest = None,
    ref: Ref = None,
    folder: Folder = None,
    base: Base = None,
    challenge: Annotated[
        str | None, typer.Option(metavar="NAME", help="Challenge (default: from the track).")
    ] = None,
    policy: Annotated[PolicyName, typer.Option(help="Reading of the rules.")] = PolicyName.PRACTICE,
    as_of: AsOf = None,
    format_: Annotated[Format, typer.Option("--format", help="Output format.")] = Format.TEXT,
    output: Output = None,
    run_dir: RunDirectory = None,
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
