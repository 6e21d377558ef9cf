"""Write the pages of the pull requests in a pool of processes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.dashboard.render import write_page
from harness.dashboard.reviews import Case, cases_of, claim_url, folder_of
from harness.sweep.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.dashboard.field import Row
    from harness.dashboard.kept_reviews import KeptReview
    from harness.dashboard.labels import Opinion

_CHUNK = 20


@dataclass(frozen=True, slots=True)
class Mate:
    """Another folder of the same cluster."""

    pr: int
    position: int
    folder: str
    call: str


@dataclass(frozen=True, slots=True)
class PullTask:
    """What a worker is told about one pull request; the reviews it reads for itself."""

    rows: tuple[Row, ...]
    clusters: tuple[tuple[str, tuple[Mate, ...]], ...]
    """By row: name of its cluster and the others in it; empty name for a folder of its own."""
    opinions: tuple[Opinion, ...]
    """What label files say of this pull request."""
    reviews: tuple[KeptReview, ...]
    """What reviews of it were kept, the newest first."""
    before: int | None
    after: int | None
    """The neighbours that were asked for."""


class _Worker:
    """What one process keeps between pull requests."""

    store: Reader
    out: Path


def write_pulls(run_dir: Path, out: Path, tasks: Sequence[PullTask], jobs: int) -> list[Case]:
    """Write every page, and return the cases that pages of rules list, by pull request."""
    if jobs <= 1 or len(tasks) <= _CHUNK:
        _start(run_dir, out)
        return [case for task in tasks for case in _write(task)]
    return list(_in_pool(run_dir, out, tasks, jobs))


def _in_pool(run_dir: Path, out: Path, tasks: Sequence[PullTask], jobs: int) -> Iterator[Case]:
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    # Spawned, not forked: the chart library runs threads in this process.
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), _start, (run_dir, out))
    with pool:
        for cases in pool.map(_write, tasks, chunksize=_CHUNK):
            yield from cases


def _start(run_dir: Path, out: Path) -> None:
    _Worker.store, _Worker.out = Reader.open(run_dir), out


def _write(task: PullTask) -> tuple[Case, ...]:
    """Write the page of one pull request."""
    from audits.rules import discover

    rules = discover()
    folders = [
        folder_of(_Worker.store.result(row.entry), rules, row) if row.entry and row.judged else None
        for row in task.rows
    ]
    pull = task.rows[0].pull
    write_page(
        _Worker.out,
        f"pr/{pull.pr}.html",
        "pr.html.j2",
        pull=pull,
        parts=list(zip(task.rows, folders, task.clusters, strict=True)),
        task=task,
        titles={rule.id: (type(rule).__doc__ or "").strip().splitlines()[0] for rule in rules},
        claim_url=claim_url,
        executed=any(row.smoke for row in task.rows),
    )
    return tuple(
        case
        for row, folder in zip(task.rows, folders, strict=True)
        if folder is not None
        for case in cases_of(folder, row)
    )
