"""Keep a finished run: what was read, how it was judged, by which versions, under `runs/<id>/`.

Promises that everything rendered after measuring can be rebuilt from what lies there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.rundir import RENDERINGS, RunDir

if TYPE_CHECKING:
    from pathlib import Path

    from audits.submission import Submission
    from harness.auditing import Request
    from harness.report.review import Review


def keep_run(root: Path, reviews: list[Review], request: Request) -> None:
    """Write everything about an audit under `root`; the manifest last, as the sign that all is there."""
    rundir = RunDir(root)
    rundir.create()
    _keep_submissions(rundir, reviews, request)
    _keep_stages(rundir, reviews)
    _keep_renderings(rundir, reviews, request)
    _keep_manifest(rundir, reviews, request)


def _keep_manifest(rundir: RunDir, reviews: list[Review], request: Request) -> None:
    """Write which versions judged what, under which policy."""
    from audits.policy import load_policy
    from audits.rules import discover
    from harness.report.review import rulebook_digest
    from harness.version import version

    policy = load_policy(request.policy, request.as_of)
    document = {
        "referee": version(),
        "rulebook": rulebook_digest(discover()),
        "policy": {"name": policy.name, "edition": policy.edition.isoformat()},
        "inputs": [_origin(review.submission) for review in reviews],
    }
    rundir.write_json(rundir.manifest, document)


def _keep_stages(rundir: RunDir, reviews: list[Review]) -> None:
    """Write what each further stage found, a file a stage and folder."""
    for position, review in enumerate(reviews):
        for report in review.stages:
            rundir.write_json(rundir.stage(report.name, position), report.as_json())


def _keep_submissions(rundir: RunDir, reviews: list[Review], request: Request) -> None:
    """Write the files of every submission with their digests."""
    listed = [{**_origin(r.submission), "files": _files(r.submission)} for r in reviews]
    rundir.write_json(rundir.submissions, {"submissions": listed})


def _keep_renderings(rundir: RunDir, reviews: list[Review], request: Request) -> None:
    """Write the reviews in every format."""
    from harness.auditing import rendered

    for format_ in RENDERINGS:
        rundir.rendering(format_).write_text(rendered(reviews, request, format_), encoding="utf-8")


def _origin(submission: Submission) -> dict[str, Any]:
    """Return where a submission was read from."""
    origin = submission.origin
    return {
        "path": submission.path.encode("utf-8", "replace").decode(),
        "kind": origin.kind.value,
        "pr": origin.pr,
        "ref": origin.ref,
        "head_sha": origin.head_sha,
        "base_sha": origin.base_sha,
    }


def _files(submission: Submission) -> list[dict[str, Any]]:
    """Return the files of a submission with digest and size."""
    return [
        {
            "path": file.path,
            "size": file.size,
            "blob": file.blob_id,
            "unread": file.unread,
            "absent": file.absent,
        }
        for file in submission.files
    ]
