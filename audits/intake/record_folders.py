"""Tell record folders among the paths that a pull request touches.

The usual layout is `records/<track>/<folder>/`. Real ones also come doubled (`records/records/...`), without
a track, with their files straight in the track, or in a folder of another name altogether.
"""

from __future__ import annotations

from dataclasses import dataclass

import pygit2

from audits.submission import Change, ChangeStatus

_MARKERS = frozenset({"submission.json", "train_gpt.py", "train_gpt_mlx.py"})
_ROOT_SCRIPTS = frozenset({"train_gpt.py", "train_gpt_mlx.py"})


@dataclass(frozen=True, slots=True)
class RecordFolder:
    """One folder that holds a submission."""

    path: str
    """Relative to the root of the repository."""
    name: str
    track: str | None
    added: bool
    """Whether the pull request adds a file to it (it may still have existed before)."""
    note: str = ""
    """What is unusual about where it lies."""


def find_record_folders(
    changes: tuple[Change, ...], tree: pygit2.Tree | None, records_dir: str
) -> list[RecordFolder]:
    """Return the record folders that the changes add to or modify, in order of path."""
    found: dict[str, RecordFolder] = {}
    for change in changes:
        if change.status is ChangeStatus.DELETED:
            continue
        folder = classify(change.path, records_dir, change.status is not ChangeStatus.MODIFIED)
        if folder is not None:
            known = found.get(folder.path)
            if known is None or (folder.added and not known.added):
                found[folder.path] = folder
    for path in _stray_tracks(found, changes):
        del found[path]
    if not found:
        found = _by_marker(changes)
    regular = [path for path in found if path.startswith(f"{records_dir}/")]
    # Copies of other projects bring records of their own; they are nobody's submission here.
    return [found[path] for path in sorted(regular or found)]


def _stray_tracks(found: dict[str, RecordFolder], changes: tuple[Change, ...]) -> list[str]:
    """Return track folders that are no submission: a note beside folders (#1048), or no script in them."""
    tracks = [path for path, folder in found.items() if folder.name == folder.track]
    scripts = {
        change.path.rpartition("/")[0]
        for change in changes
        if change.status is not ChangeStatus.DELETED and change.path.endswith(".py")
    }
    return [
        path for path in tracks if path not in scripts or any(other.startswith(f"{path}/") for other in found)
    ]


def classify(path: str, records_dir: str, added: bool = True) -> RecordFolder | None:
    """Return the record folder that a file lies in, or None."""
    parts = path.split("/")
    directories = parts[:-1]
    for index, part in enumerate(directories):
        if part.startswith("track_"):
            return _under_track(directories, index, records_dir, added)
    if records_dir not in directories:
        return None
    last = max(index for index, part in enumerate(directories) if part == records_dir)
    if last + 1 >= len(directories):
        return None
    folder = "/".join(directories[: last + 2])
    return RecordFolder(folder, directories[last + 1], None, added, "lies in no track folder")


def _under_track(directories: list[str], index: int, records_dir: str, added: bool) -> RecordFolder:
    track = directories[index]
    usual = directories[:index] == [records_dir]
    if index + 1 < len(directories):
        note = "" if usual else f"lies outside {records_dir}/<track>/"
        return RecordFolder("/".join(directories[: index + 2]), directories[index + 1], track, added, note)
    return RecordFolder("/".join(directories), track, track, added, "files lie straight in the track folder")


def _by_marker(changes: tuple[Change, ...]) -> dict[str, RecordFolder]:
    """Return folders outside the records that hold what a record folder holds."""
    found: dict[str, RecordFolder] = {}
    for change in changes:
        folder, _, name = change.path.rpartition("/")
        if folder and name in _MARKERS and change.status is not ChangeStatus.DELETED:
            added = change.status is not ChangeStatus.MODIFIED
            note = "found by its files; it lies in no records folder"
            found.setdefault(folder, RecordFolder(folder, folder.rpartition("/")[2], None, added, note))
    return found


def touched_by(name: str, tree: pygit2.Tree, records_dir: str) -> RecordFolder | None:
    """Return the folder called `name` (a path, or a name under any track) in the tree."""
    candidates = [name]
    try:
        records = tree[records_dir]
        if isinstance(records, pygit2.Tree):
            candidates += [f"{records_dir}/{track.name}/{name}" for track in records]
    except (KeyError, pygit2.GitError):
        pass
    for path in candidates:
        try:
            if isinstance(tree[path], pygit2.Tree):
                return classify(f"{path}/x", records_dir) or RecordFolder(
                    path, path.rpartition("/")[2], None, False
                )
        except (KeyError, ValueError, pygit2.GitError):
            continue
    return None


def root_scripts(changes: tuple[Change, ...]) -> list[str]:
    """Return the training scripts at the root that the pull request adds or modifies."""
    return [
        change.path
        for change in changes
        if change.status is not ChangeStatus.DELETED
        and "/" not in change.path
        and (
            change.path in _ROOT_SCRIPTS or (change.path.startswith("train") and change.path.endswith(".py"))
        )
    ]
