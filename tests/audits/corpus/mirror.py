"""Read real pull requests through the command, or list what a mirror holds."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from typer.testing import CliRunner

from audits.errors import UserError
from harness.auditing import Request, reviews_of
from harness.cli import app

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from harness.report.review import Review

TRACKS = ("track_10min_16mb", "track_non_record_16mb")
Report = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Label:
    """What a reader judged about one pull request."""

    pr: int
    folder: str
    legality: str
    confidence: float


def read_labels(path: Path) -> list[Label]:
    """Return the rows of a file of labels."""
    rows = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    return [
        Label(row["pr"], row["folder"], row["axes"]["legality"], float(row["confidence"])) for row in rows
    ]


def audit_reports(mirror: str, *arguments: str) -> list[Report]:
    """Run `referee audit --format json` on the mirror and return its reports."""
    done = CliRunner().invoke(app, ["audit", "--repo", mirror, "--format", "json", *arguments])
    assert done.exit_code in (0, 10, 11, 12), f"exit code {done.exit_code}: {done.exception!r}"
    reports: list[Report] = json.loads(done.stdout)["reports"]
    return reports


def reviews(mirror: str, **target: Any) -> list[Review]:
    """Return the reviews of a target; none where there is nothing to audit or the caller is told so."""
    try:
        return reviews_of(Request(repo=mirror, **target))
    except UserError:
        return []


def crashes(review: Review) -> list[str]:
    """Return what went wrong inside Referee."""
    broken = [f"{item.rule}: {item.reason}" for item in review.result.outcomes if item.status == "crashed"]
    return [str(review.result.crash), *broken] if review.result.crash else broken


def pull_requests() -> list[int]:
    """Return the numbers of all pull requests of the mirror, none without a mirror."""
    path = os.environ.get("REFEREE_MIRROR")
    if not path:
        return []
    import pygit2

    names = (name.split("/") for name in pygit2.Repository(path).references)
    return sorted(int(parts[2]) for parts in names if parts[1] == "pull" and parts[3:] == ["head"])


def evenly(numbers: list[int], wanted: int) -> list[int]:
    """Return `wanted` of the numbers, the first and the last among them, equally far apart."""
    if len(numbers) <= wanted:
        return numbers
    return [numbers[place * (len(numbers) - 1) // (wanted - 1)] for place in range(wanted)]


def record_folders() -> list[tuple[str, str]]:
    """Return (track, folder) of every record that is merged on the mirror's main branch."""
    path = os.environ.get("REFEREE_MIRROR")
    if not path:
        return []
    import pygit2

    tree = pygit2.Repository(path).revparse_single("main").peel(pygit2.Tree)
    return [
        (track, entry.name)
        for track in TRACKS
        for entry in _entries(tree["records"][track])
        if entry.type_str == "tree"
    ]


def _entries(tree: Any) -> Iterable[Any]:
    return list(tree)
