"""Read the files that intake left alone but a run may open: tokenizers, tables, libraries.

Reads bytes only, under caps, from where the submission came from. A file that is over a cap or cannot be
read is left out; the run then fails on it by name.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from audits.submission import OriginKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from audits.launch import LaunchPlan, LeftOut
    from audits.submission import Submission

MAX_FILE_BYTES = 20_000_000
MAX_TOTAL_BYTES = 48_000_000
_NEVER_OPENED = (
    ".png",
    ".jpg",
    ".jpeg",
    ".gif",
    ".webp",
    ".pdf",
    ".mp4",
    ".mov",
    ".log",
    ".out",
    ".err",
    ".whl",
)

Read = tuple[tuple[str, bytes], ...]


def read_left_out(submission: Submission, plan: LaunchPlan) -> Read:
    """Return path and content of what the plan left out and a run may need."""
    open_ = _from_git(submission) if submission.origin.kind is OriginKind.GIT else _from_disk(submission)
    found: list[tuple[str, bytes]] = []
    room = MAX_TOTAL_BYTES
    for entry in sorted(plan.left_out, key=lambda entry: entry.size):
        if not _wanted(entry) or entry.size > room:
            continue
        data = open_(entry)
        if data is not None and len(data) <= min(MAX_FILE_BYTES, room):
            found.append((entry.path, data))
            room -= len(data)
    return tuple(found)


def _wanted(entry: LeftOut) -> bool:
    return entry.readable and entry.size <= MAX_FILE_BYTES and not entry.path.lower().endswith(_NEVER_OPENED)


def _from_git(submission: Submission) -> Callable[[LeftOut], bytes | None]:
    """Return a reader of blobs of the submission's repository."""
    import pygit2

    from audits.intake.git import open_repository

    repository = open_repository(submission.origin.path)

    def read(entry: LeftOut) -> bytes | None:
        try:
            size = repository.odb.read_header(pygit2.Oid(hex=entry.blob_id))[1]
            return repository.odb.read(entry.blob_id)[1] if size <= MAX_FILE_BYTES else None
        except (KeyError, ValueError, pygit2.GitError):
            return None

    return read


def _from_disk(submission: Submission) -> Callable[[LeftOut], bytes | None]:
    """Return a reader of files under the submission's folder; a link is never followed."""
    top = Path(submission.origin.path)
    root = top.parent if submission.origin.kind is OriginKind.SCRIPT else top

    def read(entry: LeftOut) -> bytes | None:
        path = root / entry.path
        try:
            if path.is_symlink() or not path.resolve().is_relative_to(root.resolve()):
                return None
            with path.open("rb") as file:
                return file.read(MAX_FILE_BYTES + 1)
        except OSError:
            return None

    return read
