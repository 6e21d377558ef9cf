"""Which pull request a run was about, as the API says: never as the upload says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.github.client import status_of
from harness.github.faults import RefusedError, SupersededError

if TYPE_CHECKING:
    from harness.github.client import Client
    from harness.github.event import Event

MAX_FILES = 3000
"""The API lists no more files of a pull request."""


@dataclass(frozen=True, slots=True)
class Pull:
    """A pull request as the API knows it."""

    number: int
    state: str
    head_sha: str
    head_ref: str
    head_repository: int | None
    """Id of the fork; None when it was deleted."""
    base_ref: str
    base_repository: int
    changed_files: int
    """0 where a listing does not say."""


def pull_of(answer: dict[str, Any]) -> Pull:
    """Return a pull request from an answer of the API."""
    head, base = answer["head"], answer["base"]
    return Pull(
        number=int(answer["number"]),
        state=str(answer["state"]),
        head_sha=str(head["sha"]),
        head_ref=str(head["ref"]),
        head_repository=head["repo"]["id"] if head.get("repo") else None,
        base_ref=str(base["ref"]),
        base_repository=int(base["repo"]["id"]),
        changed_files=int(answer.get("changed_files") or 0),
    )


def fetch_pull(client: Client, number: int) -> Pull:
    """Return one pull request, or say that it is gone."""
    try:
        answer: Any = client.api.rest.pulls.get(client.owner, client.name, number).json()
    except Exception as fault:
        if status_of(fault) == 404:
            raise SupersededError(f"pull request {number} is gone") from None
        raise
    return pull_of(answer)


def resolve(client: Client, event: Event, claimed: int) -> Pull:
    """Return the open pull request whose head the run was about, and refuse an upload about another.

    `claimed` is the upload's number: it chooses where one branch has several pull requests, and it is where
    to look when the fork is gone and no branch can be searched for. It is believed in neither case.
    """
    run = event.workflow_run
    fork = run.head_repository
    numbers = [claimed]
    if fork is not None and run.head_branch:
        found = client.pages(
            client.api.rest.pulls.list, head=f"{fork.owner.login}:{run.head_branch}", state="open"
        )
        ours = [pull.number for pull in map(pull_of, found) if _is_about(pull, event)]
        numbers = ours or numbers
    if claimed not in numbers:
        raise RefusedError(f"the upload is about #{claimed}, the run was about #{numbers[0]}")
    pull = fetch_pull(client, claimed)
    if not _is_about(pull, event):
        _explain(pull, event)
    if pull.state != "open":
        raise SupersededError(f"pull request {claimed} is {pull.state}")
    return pull


def require_current(client: Client, pull: Pull) -> None:
    """Stop when the pull request has moved on since it was resolved."""
    now = fetch_pull(client, pull.number)
    if now.state != "open":
        raise SupersededError(f"pull request {pull.number} is {now.state}")
    if now.head_sha != pull.head_sha:
        raise SupersededError(f"pull request {pull.number} moved on to {now.head_sha[:12]}")


def changed_paths(client: Client, pull: Pull) -> tuple[str, ...]:
    """Return every path that the pull request touches, old names included."""
    if pull.changed_files > MAX_FILES:
        raise RefusedError(f"{pull.changed_files:,} changed files are more than the API lists")
    paths: list[str] = []
    for entry in client.pages(client.api.rest.pulls.list_files, pull.number):
        paths += [entry["filename"], *filter(None, [entry.get("previous_filename")])]
    return tuple(paths)


def _is_about(pull: Pull, event: Event) -> bool:
    """Tell whether a pull request is the one that the run was started for, at the commit it looked at."""
    run = event.workflow_run
    same_fork = pull.head_repository in (None, run.head_repository.id if run.head_repository else None)
    return (
        pull.base_repository == event.repository.id
        and pull.head_sha == run.head_sha
        and same_fork
        and (run.head_branch is None or pull.head_ref == run.head_branch)
    )


def _explain(pull: Pull, event: Event) -> None:
    """Say why a pull request is not what the run was about: moved on, or another one altogether."""
    run = event.workflow_run
    same_branch = run.head_repository is not None and pull.head_repository == run.head_repository.id
    if same_branch and pull.head_ref == run.head_branch and pull.base_repository == event.repository.id:
        raise SupersededError(f"pull request {pull.number} moved on to {pull.head_sha[:12]}")
    raise RefusedError(f"the upload is about #{pull.number}, which is not what the run was about")
