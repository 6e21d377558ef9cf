"""Read the files of one folder out of a git tree, under the reading caps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygit2
from pygit2.enums import FileMode, ObjectType

from audits.intake import caps
from audits.submission import SourceFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from audits.intake.caps import ReadBudget

MAX_DEPTH = 24
Entry = tuple[str, pygit2.Oid, int]


def read_folder(
    repo: pygit2.Repository, tree: pygit2.Tree, path: str, budget: ReadBudget
) -> list[SourceFile]:
    """Return all files below `path` in the tree."""
    try:
        top = tree[path] if path not in ("", ".") else tree
    except KeyError:
        return []
    if not isinstance(top, pygit2.Tree):
        return []
    return _read(repo, list(_walk(top, "", 0, budget)), budget)


def read_paths(
    repo: pygit2.Repository, tree: pygit2.Tree, paths: Iterable[str], budget: ReadBudget
) -> list[SourceFile]:
    """Return the named files of the tree; a name the tree lacks is passed over."""
    entries: list[Entry] = []
    for path in paths:
        try:
            found = tree[path]
        except KeyError:
            continue
        if not isinstance(found, pygit2.Tree):
            entries.append((path, found.id, int(found.filemode or 0)))
    return _read(repo, entries, budget)


def _walk(tree: pygit2.Tree, prefix: str, depth: int, budget: ReadBudget) -> Iterator[Entry]:
    if depth > MAX_DEPTH:
        budget.note("too-deep", prefix[:200], f"folders nested deeper than {MAX_DEPTH} are not entered")
        return
    try:
        entries = list(tree)
    except (KeyError, pygit2.GitError) as error:
        budget.note("absent-tree", prefix or ".", f"the repository does not hold this folder: {error}")
        return
    for entry in entries:
        name = prefix + (entry.name or "")
        if isinstance(entry, pygit2.Tree):
            yield from _walk(entry, name + "/", depth + 1, budget)
        else:
            yield name, entry.id, int(entry.filemode or 0)


def _read(repo: pygit2.Repository, entries: list[Entry], budget: ReadBudget) -> list[SourceFile]:
    entries.sort(key=lambda entry: caps.reading_order(entry[0]))
    if len(entries) > caps.MAX_LISTED_FILES:
        budget.note("too-many-files", ".", f"only the first {caps.MAX_LISTED_FILES} files are listed")
    files = [_read_entry(repo, entry, budget) for entry in entries[: caps.MAX_LISTED_FILES]]
    return sorted(files, key=lambda entry: entry.path)


def _read_entry(repo: pygit2.Repository, entry: Entry, budget: ReadBudget) -> SourceFile:
    path, oid, mode = entry
    if mode == FileMode.COMMIT:
        budget.note("submodule", path, "a submodule: its content is not part of this repository")
        return caps.not_read(path, -1, str(oid), "submodule")
    try:
        kind, size = repo.odb.read_header(oid)
    except (KeyError, pygit2.GitError):
        budget.note("absent-blob", path, "the repository names this file but does not hold its content")
        return SourceFile(path=path, data=b"", size=-1, blob_id=str(oid), absent=True)
    if mode == FileMode.LINK:
        budget.note("symlink", path, "a symbolic link; not followed")
        return caps.not_read(path, size, str(oid), "symlink")
    if kind != ObjectType.BLOB or caps.is_binary_name(path, size):
        return caps.not_read(path, size, str(oid), "binary")
    return _read_blob(repo, path, oid, size, budget)


def _read_blob(
    repo: pygit2.Repository, path: str, oid: pygit2.Oid, size: int, budget: ReadBudget
) -> SourceFile:
    refusal = budget.refusal(size)
    if refusal is None and size > caps.MAX_TOTAL_BYTES:
        refusal = "file-too-large"  # git inflates a blob whole, so there is no cheap cut
    if refusal:
        budget.note(refusal, path, f"{size} bytes not read: beyond the reading caps")
        return caps.not_read(path, size, str(oid), refusal)
    try:
        content = repo.odb.read(oid)[1]
    except (KeyError, pygit2.GitError) as error:
        budget.note("absent-blob", path, f"the content cannot be read: {error}")
        return SourceFile(path=path, data=b"", size=size, blob_id=str(oid), absent=True)
    data = caps.cut_bytes(path, content)
    budget.spend(len(data))
    truncated = len(content) > caps.MAX_TEXT_BYTES
    found = SourceFile(path=path, data=data, size=len(content), blob_id=str(oid), truncated=truncated)
    return caps.inspect(found, budget)
