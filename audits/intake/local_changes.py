"""What a local folder changes against a base ref, when it lies inside a git work tree."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from audits.errors import UserError
from audits.submission import Change, ChangeStatus, Origin

if TYPE_CHECKING:
    from pathlib import Path

_STATUS = {
    "A": ChangeStatus.ADDED,
    "?": ChangeStatus.ADDED,
    "D": ChangeStatus.DELETED,
    "R": ChangeStatus.RENAMED,
}


def changes_against(folder: Path, base: str | None, origin: Origin) -> tuple[Origin, tuple[Change, ...]]:
    """Return the origin with its base commit, and every path of the work tree that differs from it."""
    if base is None:
        return origin, ()
    import pygit2
    from pygit2.enums import DiffOption

    found = pygit2.discover_repository(str(folder))
    if found is None:
        raise UserError(f"--base needs a git work tree, and {folder} is not in one", "leave --base out")
    repo = pygit2.Repository(found)
    try:
        wanted = repo.revparse_single(base).peel(pygit2.Commit)
        head = repo.head.target
        # Compare with where the branch left the base, so that others' later work is not counted as ours.
        start = repo.merge_base(wanted.id, head) or wanted.id
        flags = DiffOption.INCLUDE_UNTRACKED | DiffOption.RECURSE_UNTRACKED_DIRS
        deltas = list(repo.diff(repo[start].peel(pygit2.Commit), None, flags=flags, context_lines=0).deltas)
    except (KeyError, ValueError, pygit2.GitError) as error:
        raise UserError(f"cannot resolve --base {base}: {error}", "name a branch, tag or commit") from None
    changes = tuple(_change(delta) for delta in deltas)
    return replace(origin, head_sha=str(head), base_sha=str(start)), changes


def _change(delta: object) -> Change:
    status = _STATUS.get(delta.status_char(), ChangeStatus.MODIFIED)  # type: ignore[attr-defined]
    new, old = delta.new_file.path, delta.old_file.path  # type: ignore[attr-defined]
    return Change(path=new or old, status=status, old_path=old if old != new else None)
