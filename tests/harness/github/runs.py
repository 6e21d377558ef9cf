"""Finished runs for tests: a pull request reviewed for real, packed as Actions would."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.auditing import Request
from harness.github.event import Event
from harness.review.output import keep
from harness.review.reviewing import Plan, review
from tests.audits.repository import Repository, record
from tests.harness.github.fake import BASE_ID, FORK_ID

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.harness.github.fake import FakeGitHub

PR, RUN = 7, 9001
NAME = "2026-04-01_Mine"
FOLDER = f"records/track_10min_16mb/{NAME}"


@dataclass
class Finished:
    """A reviewed pull request: the repository, its head, and the files of the run directory."""

    repository: Repository
    head: str
    files: dict[str, bytes]

    def archive(self, change: Callable[[dict[str, Any]], None] | None = None, **more: bytes) -> bytes:
        """Return the upload, with `review.json` changed and files added or replaced."""
        files = {**self.files, **{name.replace("__", "."): data for name, data in more.items()}}
        if change is not None:
            document = json.loads(files["review.json"])
            change(document)
            files["review.json"] = json.dumps(document).encode()
        return packed(files)


def finished(root: Path, files: Mapping[str, str | bytes] | None = None) -> Finished:
    """Return a pull request that was reviewed by the unprivileged half."""
    repository = Repository(root / "challenge.git")
    return again(repository, root / "run", files)


def again(repository: Repository, run: Path, files: Mapping[str, str | bytes] | None = None) -> Finished:
    """Return the pull request with a (new) head, reviewed."""
    head = repository.pull(PR, {**record(NAME), **(files or {})})
    plan = Plan(Request(repo=repository.path, pr=PR), skip=("smoke",))
    keep(review(plan), plan, "o/n", run)
    held = {str(p.relative_to(run)): p.read_bytes() for p in sorted(run.rglob("*")) if p.is_file()}
    return Finished(repository, str(head), held)


def packed(files: Mapping[str, bytes]) -> bytes:
    """Return files as a zip archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def event_document(head: str, run: int = RUN, **changed: Any) -> dict[str, Any]:
    """Return a `workflow_run` event as GitHub writes it for a fork: its list of pull requests is empty."""
    fork = {"id": FORK_ID, "full_name": "author/n", "owner": {"login": "author"}}
    workflow_run = {
        "id": run,
        "run_attempt": 1,
        "event": "pull_request",
        "path": ".github/workflows/referee-review.yml",
        "conclusion": "success",
        "head_sha": head,
        "head_branch": "entry",
        "head_repository": fork,
        "pull_requests": [],
        "html_url": f"https://github.com/o/n/actions/runs/{run}",
        **changed,
    }
    base = {"id": BASE_ID, "full_name": "o/n", "owner": {"login": "o"}}
    return {"action": "completed", "workflow_run": workflow_run, "repository": base}


def event(head: str, run: int = RUN, **changed: Any) -> Event:
    """Return the event as the privileged half reads it."""
    return Event.model_validate(event_document(head, run, **changed))


def opened(github: FakeGitHub, done: Finished, archive: bytes | None = None, run: int = RUN) -> Event:
    """Let GitHub know the pull request and the upload of its run; return the event that follows."""
    paths = [f"{FOLDER}/README.md", f"{FOLDER}/train_gpt.py"]
    github.add_pull(PR, done.head, paths)
    github.add_upload(run, done.archive() if archive is None else archive)
    return event(done.head, run)
