"""Read a pull request or a ref from a repository or a bare mirror; no work tree is needed or touched.

Promises that a blob which the repository names but does not hold is recorded, never raised.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import pygit2

from audits.errors import UserError
from audits.intake.assemble import assemble
from audits.intake.caps import ReadBudget
from audits.intake.git_base import Base, find_base, find_main
from audits.intake.git_changes import list_changes
from audits.intake.git_files import read_folder, read_paths
from audits.intake.inherited import inherited_folders
from audits.intake.record_folders import RecordFolder, find_record_folders, root_scripts, touched_by
from audits.intake.result import Intake
from audits.submission import Change, Origin, OriginKind, Submission

ROOT = "."
"""Path of a submission that consists of what a pull request touches outside any record folder."""


@dataclass(frozen=True, slots=True)
class _Head:
    """One resolved pull request or ref, with what it is compared to."""

    repo: pygit2.Repository
    origin: Origin
    tree: pygit2.Tree
    base: Base
    changes: tuple[Change, ...]


def load_git(
    path: str, *, pr: int | None, ref: str | None, folder: str | None, base: str | None, records_dir: str
) -> Intake:
    """Return one submission per record folder that the pull request or ref adds or modifies."""
    repo = open_repository(path)
    head = _resolve(repo, path, pr, ref, base)
    folders = find_record_folders(head.changes, head.tree, records_dir)
    notes = list(head.base.notes)
    if folder is not None:
        folders = [_named_folder(head.tree, folders, folder, records_dir)]
        left_out: dict[str, str] = {}
    else:
        left_out = inherited_folders(repo, folders, head.base.main, pr, head.tree)
    chosen = [entry for entry in folders if entry.path not in left_out]
    others = tuple(entry.path for entry in find_record_folders(head.changes, head.tree, records_dir))
    notes += _choice_notes(chosen, left_out)
    submissions = [_submission(head, entry, others) for entry in chosen]
    if not folders:
        submissions = _root_submission(head)
        notes.append(_root_note(submissions, head))
    return Intake(submissions=tuple(submissions), notes=tuple(notes))


def read_again(repo: pygit2.Repository, known: Submission) -> Submission:
    """Return a submission whose files were left out, with its files as they were read the first time.

    What else is known of it (folder, script, the changes of the pull request) stays as it is.
    """
    tree = repo[known.origin.head_sha or ""].peel(pygit2.Tree)
    budget = ReadBudget()
    if known.path == ROOT:
        files = read_paths(repo, tree, _present(known.changes), budget)
    else:
        files = read_folder(repo, tree, known.path, budget)
    return replace(known, files=tuple(files), _index={})


def open_repository(path: str) -> pygit2.Repository:
    """Return the repository at `path`, or raise a user error."""
    try:
        return pygit2.Repository(path)
    except (pygit2.GitError, ValueError, OSError) as error:
        raise UserError(f"no git repository at {path}: {error}", "give a clone or a bare mirror") from None


def _resolve(repo: pygit2.Repository, path: str, pr: int | None, ref: str | None, base: str | None) -> _Head:
    if (pr is None) == (ref is None):
        raise UserError("give either --pr N or --ref REF with --repo", "one of them, not both")
    commit = pull_head(repo, path, pr) if pr is not None else _commit(repo, ref or "")
    found = find_base(repo, commit, find_main(repo, base))
    try:
        tree, base_tree = commit.tree, repo[found.commit].peel(pygit2.Tree) if found.commit else None
        changes = list_changes(repo, base_tree, tree)
    except (KeyError, pygit2.GitError) as error:
        raise UserError(f"the repository lacks objects of {commit.id}: {error}", "fetch it again") from None
    origin = Origin(
        kind=OriginKind.GIT,
        path=path,
        ref=f"refs/pull/{pr}/head" if pr is not None else ref,
        pr=pr,
        head_sha=str(commit.id),
        base_sha=str(found.commit) if found.commit else None,
    )
    return _Head(repo=repo, origin=origin, tree=tree, base=found, changes=changes)


def pull_head(repo: pygit2.Repository, path: str, pr: int) -> pygit2.Commit:
    """Return the head commit of a pull request, or raise a user error."""
    for name in (
        f"refs/pull/{pr}/head",
        f"refs/remotes/origin/pull/{pr}/head",
        f"refs/remotes/origin/pr/{pr}",
    ):
        try:
            return repo.references[name].peel(pygit2.Commit)
        except (KeyError, ValueError, pygit2.GitError):
            continue
    raise UserError(
        f"{path} has no head of pull request {pr}",
        f"git -C {path} fetch origin refs/pull/{pr}/head:refs/pull/{pr}/head",
    )


def _commit(repo: pygit2.Repository, ref: str) -> pygit2.Commit:
    try:
        return repo.revparse_single(ref).peel(pygit2.Commit)
    except (KeyError, ValueError, pygit2.GitError):
        raise UserError(
            f"no such ref: {ref[:200]}", "name a branch, tag, commit or refs/pull/N/head"
        ) from None


def _named_folder(
    tree: pygit2.Tree, folders: list[RecordFolder], wanted: str, records_dir: str
) -> RecordFolder:
    """Return the folder the user asked for: among those touched, else anywhere in the tree."""
    name = wanted.strip("/")
    for entry in folders:
        if name in (entry.path, entry.name):
            return entry
    found = touched_by(name, tree, records_dir)
    if found is None:
        touched = ", ".join(entry.name for entry in folders[:5]) or "none"
        raise UserError(f"no record folder called {wanted[:200]}", f"folders it touches: {touched}")
    return found


def _submission(head: _Head, folder: RecordFolder, all_folders: tuple[str, ...]) -> Submission:
    budget = ReadBudget()
    files = read_folder(head.repo, head.tree, folder.path, budget)
    return assemble(
        origin=head.origin,
        path=folder.path,
        track=folder.track,
        folder=folder.name,
        files=files,
        problems=budget.problems,
        changes=head.changes,
        other_folders=tuple(path for path in all_folders if path != folder.path),
    )


def _choice_notes(chosen: list[RecordFolder], left_out: dict[str, str]) -> list[str]:
    notes = [f"left out {path}: {why}" for path, why in sorted(left_out.items())]
    if len(chosen) > 1:
        names = ", ".join(entry.name for entry in chosen)
        notes.append(f"{len(chosen)} record folders, each audited on its own: {names}")
    notes += [f"{entry.path}: {entry.note}" for entry in chosen if entry.note]
    return notes


def _root_submission(head: _Head) -> list[Submission]:
    """Return the submission of a pull request that only edits scripts at the root of the repository."""
    if not root_scripts(head.changes):
        return []
    budget = ReadBudget()
    files = read_paths(head.repo, head.tree, _present(head.changes), budget)
    made = assemble(
        origin=head.origin,
        path=ROOT,
        track=None,
        folder="",
        files=files,
        problems=budget.problems,
        changes=head.changes,
    )
    return [replace(made, main_script_reason=f"{made.main_script_reason}; at the root of the repository")]


def _present(changes: tuple[Change, ...]) -> list[str]:
    return [change.path for change in changes if change.status != "deleted"]


def _root_note(submissions: list[Submission], head: _Head) -> str:
    if submissions:
        return "no record folder: the script at the root of the repository is audited, its track is unknown"
    return (
        f"nothing to audit: no record folder and no training script among {len(head.changes)} changed paths"
    )
