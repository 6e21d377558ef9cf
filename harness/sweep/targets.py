"""Which pull requests a sweep is about."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

import pygit2

from audits.errors import UserError
from audits.intake.git import open_repository, pull_head
from audits.intake.git_base import find_main

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_PULL = re.compile(r"refs/(?:pull|remotes/origin/pull|remotes/origin/pr)/(\d{1,9})(?:/head)?\Z")
_RANGE = re.compile(r"\s*(\d{1,9})\s*(?:-\s*(\d{1,9})\s*)?\Z")
_MAX_LABELS = 100_000


def heads(repo: str) -> dict[int, str]:
    """Return the head of every pull request that the mirror holds, by number."""
    references = open_repository(repo).references
    found = {}
    for name in references:
        match = _PULL.match(name)
        if match is not None:
            found[int(match[1])] = str(references[name].target)
    if not found:
        raise UserError(
            f"{repo} holds no pull requests",
            f"git -C {repo} fetch origin '+refs/pull/*/head:refs/pull/*/head'",
        )
    return dict(sorted(found.items()))


def base_commit(repo: str, base: str | None) -> str:
    """Return the commit that pull requests are compared to, empty when there is no main branch."""
    found = find_main(open_repository(repo), base)
    return str(found) if found is not None else ""


def parse_ranges(text: str) -> set[int]:
    """Return the numbers that `1-200,305` names."""
    chosen: set[int] = set()
    for part in text.split(","):
        match = _RANGE.match(part)
        if match is None:
            raise UserError(f"not a range of pull requests: {part[:50]!r}", "write --prs 1-200,305")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first or last - first > 1_000_000:
            raise UserError(f"not a range of pull requests: {part[:50]!r}", "write --prs 1-200,305")
        chosen.update(range(first, last + 1))
    return chosen


def labelled(path: Path) -> set[int]:
    """Return the numbers of the pull requests that a file of labels names, one JSON object a line."""
    return {pr for pr, _ in _labels(path)}


def labelled_folders(path: Path) -> dict[int, frozenset[str]]:
    """Return the folders that a file of labels names, by pull request; none where a label names no folder."""
    found: dict[int, set[str]] = {}
    for pr, folder in _labels(path):
        found.setdefault(pr, set()).add(folder)
    return {pr: frozenset(folders) for pr, folders in found.items() if "" not in folders}


def _labels(path: Path) -> list[tuple[int, str]]:
    """Return pull request and folder of each label in a file; an empty folder where none is named."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()[:_MAX_LABELS]
        documents = [json.loads(line) for line in lines if line.strip()]
        return [(int(label["pr"]), str(label.get("folder") or "").strip("/")) for label in documents]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{path} is not a file of labels: {error}", 'one JSON object a line, with "pr"'
        ) from error


def choose(
    repo: str, known: dict[int, str], *, prs: str | None, labels: Path | None, since: date | None
) -> list[int]:
    """Return the pull requests that were asked for, by number.

    With `prs` or `labels`, those that the mirror lacks are asked for all the same and end up crashed: a total
    that quietly shrinks would hide them. A range only names what is there.
    """
    if labels is not None:
        chosen: Iterable[int] = labelled(labels)
    elif prs is not None:
        chosen = parse_ranges(prs) & known.keys()
    else:
        chosen = known
    if since is not None:
        opened = repository(repo)
        chosen = [pr for pr in chosen if pr in known and _date(opened, known[pr]) >= since]
    return sorted(chosen)


def committed_at(repo: str, pr: int) -> tuple[str, str]:
    """Return head and commit date (ISO 8601, UTC) of a pull request."""
    commit = pull_head(repository(repo), repo, pr)
    return str(commit.id), _when(commit).isoformat()


@lru_cache(maxsize=2)
def repository(repo: str) -> pygit2.Repository:
    """Return the opened mirror; a worker opens it once."""
    return open_repository(repo)


def _date(opened: pygit2.Repository, sha: str) -> date:
    return _when(opened[sha].peel(pygit2.Commit)).date()


def _when(commit: pygit2.Commit) -> datetime:
    return datetime.fromtimestamp(commit.commit_time, UTC)
