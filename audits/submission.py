"""What was handed in, as found: files with digests, where they came from, how it says it is run.

Promises facts only. Nothing here judges; a missing or broken file is recorded, never raised.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class OriginKind(StrEnum):
    """Where the files were read from."""

    FOLDER = "folder"
    SCRIPT = "script"
    GIT = "git"


@dataclass(frozen=True, slots=True)
class Origin:
    """The place the submission was read from, precise enough to read it again."""

    kind: OriginKind
    path: str
    """Folder or script path for local targets, repository path for git."""
    ref: str | None = None
    pr: int | None = None
    head_sha: str | None = None
    base_sha: str | None = None
    """Merge base with the main branch (git only)."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of the record folder."""

    path: str
    """POSIX path relative to the record folder."""
    data: bytes
    """Content, at most the intake's cap; empty when absent or unread."""
    size: int
    """True size in bytes, also when `data` was cut. -1 when unknown (absent blob)."""
    blob_id: str
    """Git blob SHA-1 of the content (computed for local files too), or "" when unknown."""
    truncated: bool = False
    absent: bool = False
    """The repository names the blob but does not hold it."""
    unread: str | None = None
    """Why the content was not read (binary, symlink leaving the folder, unreadable), else None."""

    @property
    def name(self) -> str:
        """Last path component."""
        return self.path.rsplit("/", 1)[-1]

    @property
    def suffix(self) -> str:
        """Lower-case extension with its dot, or an empty string."""
        name = self.name
        return "." + name.rsplit(".", 1)[1].lower() if "." in name[1:] else ""


class ChangeStatus(StrEnum):
    """What the pull request does to a path."""

    ADDED = "added"
    MODIFIED = "modified"
    DELETED = "deleted"
    RENAMED = "renamed"


@dataclass(frozen=True, slots=True)
class Change:
    """One path that the pull request touches, relative to the repository root."""

    path: str
    status: ChangeStatus
    old_path: str | None = None


@dataclass(frozen=True, slots=True)
class RunCommand:
    """One documented way to run the submission."""

    env: tuple[tuple[str, str], ...]
    """Environment assignments in order, as written."""
    argv: tuple[str, ...]
    script: str | None
    """The script it runs, as written, or None."""
    path: str
    """File that documents it."""
    line: int
    nproc: int | None = None
    """Processes per node, where a launcher names them."""
    text: str = ""
    """The command as written, whitespace joined."""
    label: str = ""
    """Headings, remarks and comments that stand over it where it is documented."""


@dataclass(frozen=True, slots=True)
class IntakeProblem:
    """Something about the input that a reviewer must know: absent blob, symlink, cut file, bad encoding."""

    code: str
    """Short stable word, for example `absent-blob`, `symlink-escape`, `truncated-file`, `empty-script`."""
    path: str
    message: str


@dataclass(frozen=True, slots=True)
class Submission:
    """A record folder with everything a human reviewer would open."""

    origin: Origin
    path: str
    """Display path: folder inside the repository, or the local path."""
    track: str | None
    """Track directory name as found (`track_10min_16mb`), or None."""
    folder: str
    """Name of the record folder."""
    files: tuple[SourceFile, ...]
    main_script: str | None
    """Path of the script that is judged, relative to the folder, or None."""
    main_script_reason: str
    """Why that script was chosen (or why none was)."""
    run_commands: tuple[RunCommand, ...] = ()
    changes: tuple[Change, ...] = ()
    """Everything the pull request touches (git only), folder included."""
    other_folders: tuple[str, ...] = ()
    """Other record folders of the same pull request."""
    problems: tuple[IntakeProblem, ...] = ()
    _index: dict[str, SourceFile] = field(default_factory=dict, repr=False, compare=False)

    def file(self, path: str) -> SourceFile | None:
        """Return the file at `path` relative to the folder, or None."""
        if not self._index:
            self._index.update({entry.path: entry for entry in self.files})
        return self._index.get(path)
