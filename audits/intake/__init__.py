"""Turn a target (folder, script, pull request, ref) into submissions.

Promises frozen records and never executes, imports or unpickles anything it reads. A mistake of the user
raises `UserError`; anything odd about the submission is an `IntakeProblem` on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.errors import UserError
from audits.intake.result import Intake, NothingToAuditError

if TYPE_CHECKING:
    from audits.challenge import Challenge

DEFAULT_RECORDS_DIR = "records"


def load(
    target: str | None,
    *,
    repo: str | None = None,
    pr: int | None = None,
    ref: str | None = None,
    folder: str | None = None,
    base: str | None = None,
    challenge: Challenge | None = None,
) -> Intake:
    """Return every submission under the target, or raise `UserError` with a hint."""
    from audits.intake.pull_url import fetch_pull, parse_pull_url

    records_dir = challenge.records_dir if challenge else DEFAULT_RECORDS_DIR
    url = parse_pull_url(target) if target else None
    if target and "://" in target and url is None:
        raise UserError(f"not a pull request URL: {target[:200]}", "it should end in /pull/N")
    if url is not None and repo is None:
        return fetch_pull(url, folder=folder, base=base, records_dir=records_dir)
    if repo is not None:
        from audits.intake.git import load_git

        number = url.number if url else pr
        if target and url is None:
            raise UserError(
                "give a folder or --repo, not both", "with --repo, choose a folder with --folder NAME"
            )
        return load_git(repo, pr=number, ref=ref, folder=folder, base=base, records_dir=records_dir)
    if pr is not None or ref is not None:
        raise UserError("--pr and --ref need a repository", "add --repo DIR (a clone or a bare mirror)")
    if not target:
        raise UserError("nothing to audit was named", "give a record folder, a script, or --repo DIR --pr N")
    from audits.intake.folder import load_local

    return load_local(target, base, folder)


__all__ = ["DEFAULT_RECORDS_DIR", "Intake", "NothingToAuditError", "load"]
