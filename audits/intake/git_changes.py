"""List what one tree changes against another, without opening a blob."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pygit2.enums import DeltaStatus, DiffFind

from audits.submission import Change, ChangeStatus

if TYPE_CHECKING:
    import pygit2

_STATUS = {
    DeltaStatus.ADDED: ChangeStatus.ADDED,
    DeltaStatus.COPIED: ChangeStatus.ADDED,
    DeltaStatus.DELETED: ChangeStatus.DELETED,
    DeltaStatus.RENAMED: ChangeStatus.RENAMED,
}


def list_changes(repo: pygit2.Repository, base: pygit2.Tree | None, head: pygit2.Tree) -> tuple[Change, ...]:
    """Return every path that differs; without a base everything is added."""
    diff = base.diff_to_tree(head) if base is not None else head.diff_to_tree(swap=True)
    # Exact matches only: inexact rename search opens blobs, and some are absent from a partial mirror.
    diff.find_similar(flags=DiffFind.FIND_RENAMES | DiffFind.FIND_EXACT_MATCH_ONLY)
    return tuple(_change(delta) for delta in diff.deltas)


def _change(delta: pygit2.DiffDelta) -> Change:
    status = _STATUS.get(delta.status, ChangeStatus.MODIFIED)
    new, old = delta.new_file.path, delta.old_file.path
    if status is ChangeStatus.DELETED:
        return Change(path=old, status=status)
    return Change(path=new, status=status, old_path=old if status is ChangeStatus.RENAMED else None)
