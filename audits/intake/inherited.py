"""Tell which of several record folders a pull request did not bring itself.

A branch cut from another unmerged branch carries that branch's folders along. Only asked when a pull request
touches more than one folder, and never allowed to leave none.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pygit2

if TYPE_CHECKING:
    from audits.intake.record_folders import RecordFolder

_PULL = re.compile(r"refs/pull/(\d+)/head\Z")


def inherited_folders(
    repo: pygit2.Repository,
    folders: list[RecordFolder],
    main: pygit2.Oid | None,
    pr: int | None,
    head: pygit2.Tree,
) -> dict[str, str]:
    """Return path to reason for the folders to leave out."""
    if len(folders) < 2:
        return {}
    trees = {entry.path: _tree_id(head, entry.path) for entry in folders}
    reasons = _earlier_pulls(repo, trees, pr) if pr is not None else {}
    if main is not None:
        main_tree = repo[main].peel(pygit2.Tree)
        for path, tree in trees.items():
            if path not in reasons and tree is not None and _tree_id(main_tree, path) == tree:
                reasons[path] = "identical in main"
    # All of them known elsewhere: a re-submission or a merged pull request, so all are its own.
    return reasons if len(reasons) < len(folders) else {}


def _earlier_pulls(repo: pygit2.Repository, trees: dict[str, pygit2.Oid | None], pr: int) -> dict[str, str]:
    reasons: dict[str, str] = {}
    for number, name in _pulls_before(repo, pr):
        if len(reasons) == len(trees):
            break
        try:
            tree = repo.references[name].peel(pygit2.Tree)
        except (KeyError, ValueError, pygit2.GitError):
            continue
        for path, wanted in trees.items():
            if path not in reasons and wanted is not None and _tree_id(tree, path) == wanted:
                reasons[path] = f"inherited unchanged; pull request {number} already holds it"
    return reasons


def _pulls_before(repo: pygit2.Repository, pr: int) -> list[tuple[int, str]]:
    found = []
    for name in repo.references:
        match = _PULL.match(name)
        if match and int(match[1]) < pr:
            found.append((int(match[1]), name))
    return sorted(found)


def _tree_id(tree: pygit2.Tree, path: str) -> pygit2.Oid | None:
    try:
        return tree[path].id
    except (KeyError, pygit2.GitError):
        return None
