"""Kept reviews (run directories of `referee review` and `referee watch`), beside the verdicts of a sweep.

Promises to read only what the published schema allows, and the newest review of each head.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audits.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from harness.report.view_model import FolderModel, ReviewFile

_MAX_BYTES = 8_000_000
_MAX_DEPTH = 2


@dataclass(frozen=True, slots=True)
class KeptReview:
    """One review of one head."""

    pr: int
    head_sha: str
    day: str
    """Day on which it was written, UTC."""
    rulebook: str
    policy: str
    call: str
    """The worst verdict of its folders; NOTHING when it has none."""
    folders: tuple[FolderModel, ...]
    notes: tuple[str, ...]


def read_kept(paths: Iterable[Path]) -> tuple[KeptReview, ...]:
    """Return the reviews under `paths`, by pull request, the newest first."""
    newest: dict[tuple[int, str], tuple[float, KeptReview]] = {}
    for file in _files(paths):
        kept = _read(file)
        if kept is not None:
            written = file.stat().st_mtime
            known = newest.get((kept.pr, kept.head_sha))
            if known is None or written > known[0]:
                newest[(kept.pr, kept.head_sha)] = written, kept
    ordered = sorted(newest.values(), key=lambda item: (item[1].pr, -item[0], item[1].head_sha))
    return tuple(kept for _, kept in ordered)


def _files(paths: Iterable[Path]) -> Sequence[Path]:
    """Return every `review.json` in the named directories, at most two levels down."""
    found: list[Path] = []
    for path in paths:
        patterns = ("/".join(["*"] * depth + ["review.json"]) for depth in range(_MAX_DEPTH + 1))
        here = [file for pattern in patterns for file in sorted(path.glob(pattern))]
        if not here:
            raise UserError(f"{path} holds no review", "referee review ... --run-dir DIR, or referee watch")
        found += here
    return found


def _read(file: Path) -> KeptReview | None:
    """Return one review, None when it is of no pull request."""
    from datetime import UTC, datetime

    from pydantic import ValidationError

    from harness.report.view_model import ReviewFile

    if file.stat().st_size > _MAX_BYTES:
        raise UserError(f"{file} is larger than {_MAX_BYTES:,} bytes")
    try:
        review = ReviewFile.model_validate_json(file.read_bytes())
    except ValidationError as error:
        raise UserError(f"{file} is no review: {error.errors()[0]['msg']}") from None
    if review.pr is None or review.head_sha is None:
        return None
    return KeptReview(
        pr=review.pr,
        head_sha=review.head_sha,
        day=datetime.fromtimestamp(file.stat().st_mtime, UTC).date().isoformat(),
        rulebook=review.rulebook,
        policy=review.policy,
        call=_call(review),
        folders=tuple(review.folders),
        notes=tuple(review.notes),
    )


def _call(review: ReviewFile) -> str:
    """Return the worst verdict of a review."""
    from audits.verdict import Overall

    order = list(Overall)
    worst = min((folder.verdict for folder in review.folders), key=order.index, default=None)
    return worst.value if worst else "NOTHING"
