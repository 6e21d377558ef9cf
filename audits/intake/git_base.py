"""Find the commit that a pull request is compared to."""

from __future__ import annotations

from dataclasses import dataclass

import pygit2
from pygit2.enums import SortMode

from audits.errors import UserError

MAIN_NAMES = (
    "refs/heads/main",
    "refs/remotes/origin/main",
    "refs/heads/master",
    "refs/remotes/origin/master",
    "refs/remotes/origin/HEAD",
)


@dataclass(frozen=True, slots=True)
class Base:
    """The commit to compare with, and how it was found."""

    commit: pygit2.Oid | None
    """None when the repository has no main branch: then everything counts as added."""
    main: pygit2.Oid | None
    notes: tuple[str, ...] = ()


def find_main(repo: pygit2.Repository, base: str | None) -> pygit2.Oid | None:
    """Return the commit of the main branch, or of the ref the user named."""
    if base is not None:
        try:
            return repo.revparse_single(base).peel(pygit2.Commit).id
        except (KeyError, ValueError, pygit2.GitError):
            raise UserError(f"cannot resolve --base {base[:200]}", "name a branch, tag or commit") from None
    for name in MAIN_NAMES:
        try:
            return repo.references[name].peel(pygit2.Commit).id
        except (KeyError, ValueError, pygit2.GitError):
            continue
    return None


def find_base(repo: pygit2.Repository, head: pygit2.Commit, main: pygit2.Oid | None) -> Base:
    """Return what `head` is compared to: the merge base, or what main was before `head` was merged."""
    if main is None:
        return Base(None, None, ("the repository has no main branch: every file counts as added",))
    try:
        common = _merge_base(repo, main, head.id)
        if common is None:
            return Base(
                _root(repo, main), main, ("no common history with main: compared with its first commit",)
            )
        if common == head.id:
            return _before_merge(repo, head, main)
    except (KeyError, pygit2.GitError):
        return Base(main, main, ("history is incomplete: compared with main itself",))
    return Base(common, main)


def _merge_base(repo: pygit2.Repository, one: pygit2.Oid, two: pygit2.Oid) -> pygit2.Oid | None:
    """Return the merge base, or None: the library's own types leave that case out."""
    return repo.merge_base(one, two)


def _root(repo: pygit2.Repository, main: pygit2.Oid) -> pygit2.Oid:
    return _first_parents(repo, main)[-1]


def _first_parents(repo: pygit2.Repository, main: pygit2.Oid) -> list[pygit2.Oid]:
    walker = repo.walk(main, SortMode.TOPOLOGICAL)
    walker.simplify_first_parent()
    return [commit.id for commit in walker]


def _before_merge(repo: pygit2.Repository, head: pygit2.Commit, main: pygit2.Oid) -> Base:
    """Return the state of main into which `head` was merged.

    Whether a commit of main contains `head` is monotone along its first parents, so bisection finds
    the merge.
    """
    chain = _first_parents(repo, main)
    low, high = 0, len(chain) - 1
    while low < high:
        middle = (low + high + 1) // 2
        if chain[middle] == head.id or repo.descendant_of(chain[middle], head.id):
            low = middle
        else:
            high = middle - 1
    merge = repo[chain[low]].peel(pygit2.Commit)
    if not merge.parent_ids:
        return Base(None, main, ("the first commit of main: every file counts as added",))
    before = merge.parent_ids[0]
    common = _merge_base(repo, before, head.id)
    note = "already merged: compared with main as it was before the merge"
    if common is None or common == head.id:
        return Base(before, main, (note,))
    return Base(common, main, (note,))
