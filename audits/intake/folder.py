"""Read a record folder, or a lone script with its helpers, from the local file system.

Promises that no link is followed out of the folder, that devices and pipes are never opened, and that
whatever cannot be read becomes a recorded problem.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from audits.errors import UserError
from audits.intake import caps
from audits.intake.assemble import assemble
from audits.intake.caps import ReadBudget
from audits.intake.local_changes import changes_against
from audits.intake.result import Intake, NothingToAuditError
from audits.submission import Origin, OriginKind, SourceFile, Submission

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_DEPTH = 24
SKIPPED_DIRECTORIES = frozenset({".git", "__pycache__", ".venv", "node_modules", ".mypy_cache"})
NATIVE_SUFFIXES = frozenset({".py", ".c", ".cc", ".cpp", ".cu", ".cuh", ".h", ".hpp"})


def load_local(target: str, base: str | None, folder: str | None) -> Intake:
    """Return the submission in the folder or script at `target`."""
    path = Path(target)
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise UserError(f"no such file or folder: {target}", _missing_hint(path)) from None
    except (OSError, ValueError) as error:
        raise UserError(
            f"cannot open {target[:200]}: {_reason(error)}", "check the path and its rights"
        ) from None
    if folder and stat.S_ISDIR(mode):
        return load_local(str(path / folder), base, None)
    if stat.S_ISDIR(mode):
        return _load_folder(path, base)
    if not stat.S_ISREG(mode):
        raise UserError(f"{target} is neither a file nor a folder", "name a record folder or a Python script")
    if path.suffix.lower() != ".py":
        raise UserError(f"{target} is not a Python script", "name the record folder, or its train_gpt.py")
    return _load_script(path, base)


def _missing_hint(path: Path) -> str:
    parent = path.parent
    if parent.is_dir():
        return f"the folder {parent} exists; is the name spelt as it is there?"
    return "for a pull request give --repo DIR --pr N"


def _load_folder(path: Path, base: str | None) -> Intake:
    budget = ReadBudget()
    try:
        os.listdir(path)
    except OSError as error:
        raise UserError(f"cannot read the folder {path}: {_reason(error)}", "check its rights") from None
    files = read_tree(path, budget)
    if not files:
        raise NothingToAuditError(
            f"the folder {path} is empty", "a record folder holds train_gpt.py and README.md"
        )
    _refuse_repository(path, files)
    resolved = path.resolve()
    origin, changes = changes_against(resolved, base, Origin(kind=OriginKind.FOLDER, path=str(path)))
    submission = assemble(
        origin=origin,
        path=str(path),
        track=resolved.parent.name if resolved.parent.name.startswith("track_") else None,
        folder=resolved.name,
        files=files,
        problems=budget.problems,
        changes=changes,
    )
    return Intake(submissions=(submission,), notes=())


def _refuse_repository(path: Path, files: list[SourceFile]) -> None:
    """Stop when the folder is a whole repository: its records are the submissions, not the folder itself."""
    if any(entry.path.startswith("records/") for entry in files):
        raise UserError(f"{path} is a repository, not a record folder",
                        f"give --repo {path} --pr N, or one folder under {path}/records")  # fmt: skip
    if (path / "objects").is_dir() and (path / "HEAD").is_file():
        raise UserError(f"{path} is a git directory", f"give --repo {path} with --pr N or --ref REF")


def _load_script(path: Path, base: str | None) -> Intake:
    parent = path.resolve().parent
    budget = ReadBudget()
    beside = _record_beside(parent)
    names = None if beside else _companions(path, parent)
    files = read_tree(parent, budget) if names is None else _read_named(parent, names, budget)
    origin, changes = changes_against(parent, base, Origin(kind=OriginKind.SCRIPT, path=str(path)))
    submission: Submission = assemble(
        origin=origin,
        path=str(path),
        track=parent.parent.name if parent.parent.name.startswith("track_") else None,
        folder=parent.name,
        files=files,
        problems=budget.problems,
        changes=changes,
        main_script=path.name,
    )
    notes = () if beside else ("a lone script: README, submission.json and logs were not looked for",)
    return Intake(submissions=(submission,), notes=notes)


def _record_beside(parent: Path) -> bool:
    return any(True for _ in parent.glob("submission*.json"))


def _companions(path: Path, parent: Path) -> list[str]:
    """Return the script and the sources beside it that its text, or theirs, names."""
    beside = {p.name: p for p in parent.iterdir() if p.suffix.lower() in NATIVE_SUFFIXES and p.is_file()}
    wanted, queue = {path.name}, [path.name]
    while queue and len(wanted) < 64:
        words = set(re.findall(r"\w+", _head_text(parent / queue.pop())))
        for name, found in beside.items():
            if name not in wanted and found.stem in words:
                wanted.add(name)
                queue.append(name)
    return sorted(wanted)


def _head_text(path: Path) -> str:
    try:
        with path.open("rb") as handle:
            return handle.read(1 << 20).decode("utf-8", "replace")
    except OSError:
        return ""


def _read_named(root: Path, names: list[str], budget: ReadBudget) -> list[SourceFile]:
    return [_read_entry(root, root / name, name, budget) for name in names]


def read_tree(root: Path, budget: ReadBudget) -> list[SourceFile]:
    """Return every file below `root`, what a reviewer opens first being read first."""
    found = sorted(_walk(root, budget), key=lambda item: caps.reading_order(item[1]))
    if len(found) >= caps.MAX_LISTED_FILES:
        budget.note("too-many-files", ".", f"only the first {caps.MAX_LISTED_FILES} files are listed")
    files = [_read_entry(root, path, name, budget) for path, name in found]
    return sorted(files, key=lambda entry: entry.path)


def _walk(root: Path, budget: ReadBudget) -> Iterator[tuple[Path, str]]:
    """Yield (path, relative name) breadth first, so that a deep or wide trap cannot hide the top level."""
    level: list[tuple[str, str]] = [(str(root), "")]
    listed = 0
    for _depth in range(MAX_DEPTH + 1):
        below: list[tuple[str, str]] = []
        for directory, prefix in level:
            for entry in _scan(directory, prefix, budget):
                name = prefix + entry.name
                if entry.is_dir(follow_symlinks=False):
                    if entry.name not in SKIPPED_DIRECTORIES:
                        below.append((entry.path, name + "/"))
                    continue
                yield Path(entry.path), name
                listed += 1
                if listed >= caps.MAX_LISTED_FILES:
                    return
        level = below[: caps.MAX_LISTED_FILES]
    if level:
        budget.note("too-deep", level[0][1][:200], f"folders nested deeper than {MAX_DEPTH} are not entered")


def _scan(directory: str, prefix: str, budget: ReadBudget) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(directory) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        budget.note("unreadable", prefix or ".", _reason(error))
        return []


def _read_entry(root: Path, path: Path, raw_name: str, budget: ReadBudget) -> SourceFile:
    name = raw_name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    try:
        info = path.lstat()
        if stat.S_ISLNK(info.st_mode):
            inside = _link_target(root, path)
            if inside is None:
                budget.note(
                    "symlink-escape", name, "link that leaves the folder or leads nowhere; not followed"
                )
                return caps.not_read(name, info.st_size, "", "symlink-escape")
            path, info = inside, inside.stat()
        if not stat.S_ISREG(info.st_mode):
            budget.note("special-file", name, "pipe, socket, device or linked folder; not opened")
            return caps.not_read(name, 0, "", "special-file")
        return _read_regular(path, name, info.st_size, budget)
    except OSError as error:
        budget.note("unreadable", name, _reason(error))
        return caps.not_read(name, -1, "", "unreadable")


def _link_target(root: Path, path: Path) -> Path | None:
    """Return where a link leads when that is inside `root`, else None."""
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError):
        return None
    return target if target.is_relative_to(root.resolve()) else None


def _read_regular(path: Path, name: str, size: int, budget: ReadBudget) -> SourceFile:
    if caps.is_binary_name(name, size):
        return caps.not_read(name, size, "", "binary")
    refusal = budget.refusal(size)
    if refusal:
        budget.note(refusal, name, f"{size} bytes not read: the submission's reading cap is spent")
        return caps.not_read(name, size, "", refusal)
    # O_NONBLOCK: the entry may have become a pipe since it was looked at.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(descriptor, "rb") as handle:
        pieces = []
        for offset, length in caps.cut_spans(name, size):
            handle.seek(offset)
            pieces.append(handle.read(length))
    data = b"\n".join(pieces)
    budget.spend(len(data))
    truncated = size > caps.MAX_TEXT_BYTES
    blob_id = "" if truncated else blob_sha(data)
    entry = SourceFile(path=name, data=data, size=size, blob_id=blob_id, truncated=truncated)
    return caps.inspect(entry, budget)


def blob_sha(data: bytes) -> str:
    """Return the name git would give this content."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _reason(error: BaseException) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
