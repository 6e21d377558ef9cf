"""`referee review`: one report over audit, smoke, probe and every further stage."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

from harness.cli.audit import PolicyName
from harness.cli.options import AsOf, Folder, Output, PullRequest, Repo, RunDirectory


class ReviewFormat(StrEnum):
    """How a review is printed."""

    MARKDOWN = "markdown"
    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"


def review(
    target: Annotated[
        str | None, typer.Argument(metavar="[TARGET]", help="A record folder, script or pull request URL.")
    ] = None,
    repo: Repo = None,
    pr: PullRequest = None,
    folder: Folder = None,
    base: Annotated[
        str | None,
        typer.Option(metavar="REF", help="Base branch: compared with, and read for rulings (default: main)."),
    ] = None,
    skip: Annotated[
        list[str] | None, typer.Option(metavar="STAGE", help="Do not run it: smoke, probe.")
    ] = None,
    probe: Annotated[
        bool, typer.Option("--probe", help="Also run its evaluation on streams that differ: minutes.")
    ] = False,
    policy: Annotated[PolicyName, typer.Option(help="Reading of the rules.")] = PolicyName.PRACTICE,
    as_of: AsOf = None,
    repository: Annotated[
        str | None,
        typer.Option(metavar="OWNER/NAME", help="Link lines there (default: the clone's GitHub remote)."),
    ] = None,
    excerpts: Annotated[bool, typer.Option(help="Quote the lines that findings rest on.")] = True,
    format_: Annotated[ReviewFormat, typer.Option("--format", help="Output format.")] = ReviewFormat.MARKDOWN,
    output: Output = None,
    run_dir: RunDirectory = None,
    no_exit_codes: Annotated[
        bool, typer.Option("--no-exit-codes", help="Leave with 0 whatever the verdict.")
    ] = False,
) -> None:
    """Review one submission: audit, smoke, rulings, with --probe a probe; one verdict a policy.

    Leaves with the codes of `referee audit`.
    """
    from harness.auditing import Request
    from harness.errors import exit_code
    from harness.review import output as out
    from harness.review.reviewing import Plan
    from harness.review.reviewing import review as carry_out

    _require_target(target, repo)
    request = Request(
        targets=(target,) if target else (),
        repo=repo,
        pr=pr,
        folder=folder,
        base=base,
        policy=policy.value,
        as_of=as_of.date() if as_of else None,
    )
    plan = Plan(request, tuple(skip or ()), ("probe",) if probe else ())
    name = out.repository_name(plan, repository)
    reviewed = carry_out(plan)
    text = out.rendered(reviewed, plan, format_.value, name, excerpts=excerpts)
    if output is None:
        sys.stdout.write(text)
    else:
        out.write(text, output)
    if run_dir is not None:
        out.keep(reviewed, plan, name, run_dir)
    code = exit_code(entry.verdict.overall for entry in reviewed.reviews)
    raise typer.Exit(0 if no_exit_codes and code >= 10 else int(code))


def _require_target(target: str | None, repo: str | None) -> None:
    """Refuse a review of nothing: the examples are for `referee audit`."""
    from audits.errors import UserError

    if target is None and repo is None:
        raise UserError("nothing to review was named", "give a TARGET, or --repo DIR --pr N")


__all__ = ["review"]
