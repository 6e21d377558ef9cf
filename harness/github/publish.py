"""Carry out `referee publish`: from a finished run to comment, check run, code scanning and label.

The order is the order of trust: event, upload, API, our own rules; only then is a word written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.github import check_run, comment, labels, scanning
from harness.github.client import status_of
from harness.github.faults import RefusedError, SupersededError
from harness.github.pulls import changed_paths, require_current, resolve
from harness.github.trust import Known, verify
from harness.github.upload import ARTIFACT, MAX_ARCHIVE_BYTES, read_upload

if TYPE_CHECKING:
    from harness.github.client import Client
    from harness.github.event import Event
    from harness.github.pulls import Pull
    from harness.report.view_model import ReviewFile
    from harness.review.rulings import Ruling


@dataclass(frozen=True, slots=True)
class Published:
    """What was done, in words; nothing of it when the pull request had moved on."""

    done: tuple[str, ...]
    superseded: str = ""
    refused: str = ""


def publish(client: Client, event: Event, author: str = comment.ACTIONS_BOT) -> Published:
    """Publish the review that a run uploaded, or say why not."""
    run = event.workflow_run
    try:
        return _publish(client, event, author)
    except SupersededError as moved:
        return Published((), superseded=moved.reason)
    except RefusedError as refused:
        check_run.report_refusal(client, run.head_sha, refused.reason, run.html_url)
        return Published((), refused=refused.reason)


def _publish(client: Client, event: Event, author: str) -> Published:
    """Publish, or raise why not."""
    from audits.rules import discover
    from harness.report.review import rulebook_digest

    run = event.workflow_run
    if not event.finished_well:
        raise RefusedError(f"the review ended as {run.conclusion or 'unfinished'}")
    upload = read_upload(download(client, run.id))
    if upload.review.pr is None:
        raise RefusedError("the upload names no pull request")
    pull = resolve(client, event, upload.review.pr)
    rules = discover()
    known = Known(
        event=event,
        pull=pull,
        paths=changed_paths(client, pull),
        rulings=committed_rulings(client, pull),
        rules=rules,
        rulebook=rulebook_digest(rules),
    )
    verify(upload, known)
    require_current(client, pull)
    number = comment.RunNumber(run.id, run.run_attempt)
    told = tell(client, pull, upload.review, number, run.html_url, author)
    return Published((*told, scanning.upload(client, pull, upload.sarif)))


def tell(
    client: Client, pull: Pull, file: ReviewFile, number: comment.RunNumber, details_url: str, author: str
) -> tuple[str, ...]:
    """Write comment, check run and label; what needs no review only takes an older one back."""
    done = []
    if file.folders or comment.find(client, pull.number, author):
        done.append("comment " + comment.upsert(client, pull.number, file, number, author))
    done.append(_check(client, file, details_url))
    label = labels.label_of(file)
    labels.set_label(client, pull.number, label)
    return (*done, f"label {label}" if label else "no label")


def _check(client: Client, file: ReviewFile, details_url: str) -> str:
    """Set the check run, which only the token of an app may do."""
    try:
        return "check run " + check_run.report(client, file, details_url)
    except Exception as fault:
        if status_of(fault) != 403:
            raise
        return "no check run: the token may not set one (HTTP 403)"


def download(client: Client, run: int) -> bytes:
    """Return the archive that a run uploaded, never more of it than the cap."""
    listed = client.pages(client.api.rest.actions.list_workflow_run_artifacts, run)
    ours = [entry for entry in listed if entry["name"] == ARTIFACT and not entry.get("expired")]
    if len(ours) != 1:
        raise RefusedError(f"the run has {len(ours)} uploads called {ARTIFACT}")
    if int(ours[0]["size_in_bytes"]) > MAX_ARCHIVE_BYTES:
        raise RefusedError(f"the upload has {ours[0]['size_in_bytes']:,} bytes")
    path = f"actions/artifacts/{int(ours[0]['id'])}/zip"
    data = client.again(lambda: client.fetch(path, MAX_ARCHIVE_BYTES))
    if len(data) > MAX_ARCHIVE_BYTES:
        raise RefusedError(f"the upload is larger than {MAX_ARCHIVE_BYTES:,} bytes")
    return data


def committed_rulings(client: Client, pull: Pull) -> tuple[Ruling, ...]:
    """Return the rulings on a pull request that its base branch holds."""
    import base64

    from audits.rules import discover
    from harness.review.rulings import parse_rulings, ruling_path

    path = ruling_path(pull.number)
    try:
        got = client.api.rest.repos.get_content(client.owner, client.name, path, ref=pull.base_ref)
        answer: Any = got.json()
    except Exception as fault:
        if status_of(fault) == 404:
            return ()
        raise
    known = {rule.id for rule in discover()}
    return parse_rulings(base64.b64decode(answer["content"]), path, known)
