"""Write a review: as a comment, as data, for code scanning, and into a run directory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.errors import UserError
from harness.report.markdown import Options, render_file

if TYPE_CHECKING:
    from pathlib import Path

    from harness.report.view_model import ReviewFile
    from harness.review.reviewing import Plan, Reviewed


def comment_of(file: ReviewFile, repository: str | None, *, excerpts: bool = True) -> str:
    """Return the comment, as it is posted."""
    options = Options(
        repository=repository, excerpts=excerpts, appeal=True, machine=True, marker=file.pr is not None
    )
    return render_file(file, options)


def json_of(file: ReviewFile) -> str:
    """Return the review as its published JSON."""
    return file.model_dump_json(by_alias=True, indent=1) + "\n"


def repository_name(plan: Plan, named: str | None) -> str | None:
    """Return `owner/name` that lines are linked to: as named, else the GitHub remote of the clone."""
    from harness.report.links import repository_of, require_slug

    if named is not None:
        return require_slug(named)
    if plan.request.repo is None:
        return None
    from audits.intake.git import open_repository

    config = open_repository(plan.request.repo).config
    key = "remote.origin.url"
    return repository_of(config[key] or "") if key in config else None


def rendered(reviewed: Reviewed, plan: Plan, format_: str, repository: str | None, *, excerpts: bool) -> str:
    """Return the review in one of the formats."""
    if format_ == "json":
        return json_of(reviewed.file)
    if format_ == "markdown":
        return comment_of(reviewed.file, repository, excerpts=excerpts)
    from harness.auditing import rendered as audit_rendered

    return audit_rendered(list(reviewed.reviews), plan.request, format_)


def write(text: str, output: Path) -> None:
    """Write a text to a file the caller named."""
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write {output}: {error.strerror}", "choose another --output") from error


def keep(reviewed: Reviewed, plan: Plan, repository: str | None, run_dir: Path) -> None:
    """Write the whole run into a directory: the audit in every format, the stages, and the review."""
    from harness.keep import keep_run
    from harness.rundir import RunDir

    keep_run(run_dir, list(reviewed.reviews), plan.request)
    rundir = RunDir(run_dir)
    write(json_of(reviewed.file), rundir.review)
    write(comment_of(reviewed.file, repository), rundir.rendering("markdown"))
