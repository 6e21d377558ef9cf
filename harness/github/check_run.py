"""The check run of a head: its conclusion, and annotations on lines, fifty a request as the API wants.

Promises that a review which was reported once is not reported again (the check run carries its digest).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, cast

from harness.report.escape import one_line
from harness.report.markdown import Options, render_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.github.client import Client
    from harness.report.view_model import GroupModel, ReviewFile

NAME = "Referee"
BATCH = 50
_CONCLUSION = {
    "CLEAN": "success",
    "NEEDS_AUTHOR_ACTION": "action_required",
    "UNCLEAR": "neutral",
    "FLAG": "neutral",
    "VIOLATION": "failure",
    "ILLEGAL": "failure",
}
_LEVEL = {"violation": "failure", "flag": "warning"}
"""By weight; everything else is a notice."""
_SUMMARY = 60_000


def report(client: Client, file: ReviewFile, details_url: str) -> str:
    """Create the check run of the judged head with every annotation; return its address."""
    return client.again(lambda: _report(client, file, details_url))


def report_refusal(client: Client, head_sha: str, reason: str, details_url: str) -> None:
    """Say on the head of a run why nothing of it was published."""
    output = {"title": "Not reviewed", "summary": one_line(reason, 500)}
    body = {"head_sha": head_sha, "external_id": _digest(reason), "conclusion": "neutral", "output": output}
    client.again(lambda: _existing(client, head_sha, _digest(reason)) or _create(client, body, details_url))


def annotations_of(file: ReviewFile) -> list[dict[str, Any]]:
    """Return one annotation a place that a weighing outcome rests on, worst first, each line once."""
    seen: dict[tuple[str, int, str], dict[str, Any]] = {}
    for folder in file.folders:
        for group in folder.groups:
            if group.weighs:
                for note in _annotations(group, folder.judged.path):
                    seen.setdefault((note["path"], note["start_line"], note["title"]), note)
    return list(seen.values())


def _annotations(group: GroupModel, folder: str) -> Iterator[dict[str, Any]]:
    """Yield the annotations of one outcome; what has no line has none."""
    prefix = "" if folder == "." else folder.rstrip("/") + "/"
    for place in group.places:
        if place.path is not None and place.first is not None:
            yield {
                "path": prefix + place.path,
                "start_line": place.first,
                "end_line": max(place.last or place.first, place.first),
                "annotation_level": _LEVEL.get(group.word, "notice"),
                "title": one_line(f"{group.rules[0]}: {group.title}", 250),
                "message": one_line(place.message or group.reason, 2000) or group.rules[0],
            }


def _report(client: Client, file: ReviewFile, details_url: str) -> str:
    """Create the check run unless it is there, then add what did not fit into the first request."""
    head, identity = file.head_sha or "", _digest(file.model_dump_json(by_alias=True))
    existing = _existing(client, head, identity)
    if existing is not None and existing["status"] == "completed":
        return str(existing["html_url"])
    output = {
        "title": _title(file),
        "summary": render_file(file, Options(client.slug, excerpts=False), _SUMMARY),
    }
    notes = annotations_of(file)
    first, rest = notes[:BATCH], notes[BATCH:]
    conclusion = _CONCLUSION[worst(file)] if file.folders else "skipped"
    body: dict[str, Any] = {
        "head_sha": head,
        "external_id": identity,
        "output": {**output, "annotations": first},
    }
    if not rest:
        body["conclusion"] = conclusion
    made = _create(client, body, details_url)
    for start in range(0, len(rest), BATCH):
        more: dict[str, Any] = {"output": {**output, "annotations": rest[start : start + BATCH]}}
        if start + BATCH >= len(rest):
            more |= {"status": "completed", "conclusion": conclusion}
        client.api.rest.checks.update(client.owner, client.name, made["id"], **more)
    return str(made["html_url"])


def _create(client: Client, body: dict[str, Any], details_url: str) -> dict[str, Any]:
    """Create a check run: completed when it has its conclusion, else in progress."""
    data = {"name": NAME, "status": "completed" if "conclusion" in body else "in_progress", **body}
    if details_url:
        data["details_url"] = details_url
    answer = client.api.rest.checks.create(client.owner, client.name, data=cast("Any", data))
    return dict(answer.json())


def _existing(client: Client, head_sha: str, identity: str) -> dict[str, Any] | None:
    """Return the check run that already carries a digest."""
    listed = client.pages(client.api.rest.checks.list_for_ref, head_sha, check_name=NAME)
    return next((entry for entry in listed if entry.get("external_id") == identity), None)


def worst(file: ReviewFile) -> str:
    """Return the worst verdict of all folders."""
    order = list(_CONCLUSION)
    return max((folder.verdict.value for folder in file.folders), key=order.index, default="CLEAN")


def _title(file: ReviewFile) -> str:
    """Return the verdict in a line."""
    if not file.folders:
        return "Nothing to review"
    more = f", {len(file.folders)} folders" if len(file.folders) > 1 else ""
    return worst(file).replace("_", " ") + more


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:40]
