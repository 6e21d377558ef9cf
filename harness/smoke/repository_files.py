"""Read the files of the challenge's repository that a script names by path and that lie outside its folder.

Some submissions start the trainer at the root of the repository, or load another record's script (#556,
#1904). Promises only what a path literal names (`root / "records" / "x" / "train_gpt.py"`, `os.path.join`, a
text with slashes), as it stands in the tree of the pull request, under caps: never the whole repository. What
is not there is left out, and the run then fails on it by name. Nothing is executed.
"""

from __future__ import annotations

import ast
import posixpath
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from audits.submission import OriginKind
from containers.smoke_job import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from audits.launch import LaunchPlan
    from audits.submission import Submission

MAX_FILES = 12
MAX_FILE_BYTES = 2_000_000
MAX_TOTAL_BYTES = 6_000_000
MAX_SOURCE = 1_000_000
MAX_PATHS = 2_000
MAX_DEPTH = 12
_TEXTS = (".py", ".json", ".txt", ".csv", ".tsv", ".c", ".cpp")
"""What is laid out: source and tables, nothing that could be taken for an artifact of the run."""
_OURS = ("data/datasets/", "data/tokenizers/")
"""The tiny data stands in for these."""


def read_repository_files(submission: Submission, plan: LaunchPlan) -> tuple[tuple[str, bytes], ...]:
    """Return path in the box and content of the files outside the folder that its sources name."""
    read = _reader(submission)
    own = frozenset(path for path, _ in plan.files)
    found: dict[str, bytes] = {}
    waiting = list(dict.fromkeys(_wanted(_sources(plan), submission.path, own)))
    while waiting and len(found) < MAX_FILES:
        path = waiting.pop(0)
        data = read(path) if path not in found else None
        if data is None or len(data) > MAX_TOTAL_BYTES - sum(map(len, found.values())):
            continue
        found[path] = data
        if path.endswith(".py"):
            waiting += _wanted([data], posixpath.dirname(path), frozenset())
    return tuple((f"{REPOSITORY}/{path}", data) for path, data in found.items())


def _sources(plan: LaunchPlan) -> Iterator[bytes]:
    yield from (data for path, data in plan.files if path.endswith(".py"))
    yield from (layer.source.encode("utf-8", "replace") for layer in plan.layers if layer.index)


def _wanted(sources: Iterable[bytes], folder: str, own: frozenset[str]) -> Iterator[str]:
    """Yield paths from the root of the repository; those that the folder itself has are not wanted."""
    for source in sources:
        for text in paths_named(source):
            if posixpath.normpath(text) in own:
                continue
            path = posixpath.normpath(posixpath.join(folder, text) if text.startswith("../") else text)
            if not path.startswith(("/", "..", *_OURS)) and path.count("/") < MAX_DEPTH:
                yield path


def paths_named(source: bytes) -> list[str]:
    """Return the relative paths of files that a source's literals spell, in order."""
    if len(source) > MAX_SOURCE:
        return []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    found = (path for node in ast.walk(tree) for path in _spelled(node) if _is_file(path))
    return list(dict.fromkeys(found))[:MAX_PATHS]


def _spelled(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        yield "/".join(_chain(node))
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr in ("join", "joinpath"):
            yield "/".join(_trailing(node.args))
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and "/" in node.value:
        yield node.value.removeprefix("./")


def _chain(node: ast.expr) -> list[str]:
    """Return the texts at the end of `a / "b" / "c"`."""
    parts: list[ast.expr] = []
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and len(parts) < MAX_DEPTH:
        parts.insert(0, node.right)
        node = node.left
    return _trailing([node, *parts])


def _trailing(parts: list[ast.expr]) -> list[str]:
    texts: list[str] = []
    for part in reversed(parts):
        if not (isinstance(part, ast.Constant) and isinstance(part.value, str)):
            break
        texts.insert(0, part.value)
    return texts


def _is_file(path: str) -> bool:
    """Tell whether a text reads like the relative path of a file."""
    plain = path.isprintable() and not set(path) & set("*{}<>: ")
    return plain and len(path) <= 300 and path.endswith(_TEXTS)


def _reader(submission: Submission) -> Callable[[str], bytes | None]:
    if submission.origin.kind is OriginKind.GIT:
        return _from_git(submission)
    return _from_checkout(submission)


def _from_git(submission: Submission) -> Callable[[str], bytes | None]:
    """Return a reader of the tree of the pull request."""
    import pygit2

    from audits.intake.git import open_repository

    repository = open_repository(submission.origin.path)

    def read(path: str) -> bytes | None:
        try:
            entry = repository[submission.origin.head_sha or ""].peel(pygit2.Tree)[path]
            if entry.type_str != "blob" or entry.filemode == pygit2.enums.FileMode.LINK:
                return None
            size = repository.odb.read_header(entry.id)[1]
            return repository.odb.read(entry.id)[1] if size <= MAX_FILE_BYTES else None
        except (KeyError, ValueError, pygit2.GitError):
            return None

    return read


def _from_checkout(submission: Submission) -> Callable[[str], bytes | None]:
    """Return a reader of the checkout that a local folder lies in; a link is never followed."""
    folder = Path(submission.origin.path).resolve()
    root = next((parent.parent for parent in folder.parents if parent.name == "records"), None)

    def read(path: str) -> bytes | None:
        if root is None:
            return None
        file = root / path
        try:
            if not file.resolve().is_relative_to(root) or file.is_symlink() or not file.is_file():
                return None
            with file.open("rb") as opened:
                data = opened.read(MAX_FILE_BYTES + 1)
        except OSError:
            return None
        return data if len(data) <= MAX_FILE_BYTES else None

    return read
