"""Exactly one comment on a pull request, kept up to date.

Promises to touch only comments that this account wrote, never to put an older run's words over a newer's, and
to remove a second comment where two runs once raced.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.github.client import status_of
from harness.github.faults import SupersededError
from harness.report.markdown import LIMIT, MARKER, Options, render_file

if TYPE_CHECKING:
    from harness.github.client import Client
    from harness.report.view_model import ReviewFile

ACTIONS_BOT = "github-actions[bot]"
"""Who the token of a workflow writes as."""
_RUN = re.compile(r"<!-- referee:run (\d{1,20})\.(\d{1,6}) -->")
_SHORTER = (LIMIT - 200, 60_000, 30_000, 8_000)
"""Lengths to try when GitHub says that a comment is too long."""


@dataclass(frozen=True, slots=True, order=True)
class RunNumber:
    """Which run speaks; a later one has the word."""

    run: int
    attempt: int = 1


def upsert(client: Client, number: int, file: ReviewFile, run: RunNumber, author: str = ACTIONS_BOT) -> str:
    """Create the comment, or update the one that is there; return its address."""
    return client.again(lambda: _upsert(client, number, file, run, author))


def find(client: Client, number: int, author: str) -> list[dict[str, Any]]:
    """Return our comments on a pull request, oldest first."""
    listed = client.pages(client.api.rest.issues.list_comments, number)
    return [entry for entry in listed if _is_ours(entry, author)]


def run_of(body: str) -> RunNumber:
    """Return which run wrote a comment; the very first where it does not say."""
    found = _RUN.search(body[:400])
    return RunNumber(int(found[1]), int(found[2])) if found else RunNumber(0, 0)


def _upsert(client: Client, number: int, file: ReviewFile, run: RunNumber, author: str) -> str:
    """Look what is there, then create or update."""
    ours = find(client, number, author)
    newer = [entry for entry in ours if run_of(entry["body"]) > run]
    if newer:
        raise SupersededError(f"a newer run has spoken on #{number}")
    address = _write(client, number, file, run, ours[0]["id"] if ours else None)
    return _settle(client, number, author) or address


def _settle(client: Client, number: int, author: str) -> str:
    """Leave one comment with the newest run's words, whoever wrote in between; return its address."""
    ours = find(client, number, author)
    if not ours:
        return ""
    kept, newest = ours[0], max(ours, key=lambda entry: run_of(entry["body"]))
    issues = client.api.rest.issues
    if newest is not kept:
        issues.update_comment(client.owner, client.name, kept["id"], body=newest["body"])
    for extra in ours[1:]:
        try:
            issues.delete_comment(client.owner, client.name, extra["id"])
        except Exception as fault:
            if status_of(fault) != 404:  # another run was faster
                raise
    return str(kept["html_url"])


def _write(client: Client, number: int, file: ReviewFile, run: RunNumber, existing: int | None) -> str:
    """Write the comment, shorter each time that GitHub finds it too long."""
    issues = client.api.rest.issues
    for limit in _SHORTER:
        body = _body(file, client.slug, run, limit)
        try:
            if existing is None:
                answer = issues.create_comment(client.owner, client.name, number, body=body)
            else:
                answer = issues.update_comment(client.owner, client.name, existing, body=body)
            return str(answer.json()["html_url"])
        except Exception as fault:
            if status_of(fault) != 422 or limit == _SHORTER[-1]:
                raise
    raise AssertionError("unreachable")


def _body(file: ReviewFile, slug: str, run: RunNumber, limit: int) -> str:
    """Return the text of the comment, which names the run that wrote it."""
    options = Options(repository=slug, appeal=True, machine=True)
    named = f"{MARKER}\n<!-- referee:run {run.run}.{run.attempt} -->\n\n"
    return named + render_file(file, options, limit)


def _is_ours(entry: dict[str, Any], author: str) -> bool:
    """Tell whether a comment is the one that we keep: anybody can write the marker, few as us."""
    login = (entry.get("user") or {}).get("login", "")
    return login == author and str(entry.get("body") or "").startswith(MARKER)
