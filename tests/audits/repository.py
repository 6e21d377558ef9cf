"""Bare repositories made for tests: commits from path to content, heads of pull requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygit2

from audits.intake import load

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from audits.intake import Intake

ME = pygit2.Signature("A", "a@example.org", 1_700_000_000, 0)
MAIN = "refs/heads/main"
RECORD = "records/track_10min_16mb"
SCRIPT = "print('train')\n"


class Repository:
    """A bare repository in which commits are made from path to content."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self.repo = pygit2.init_repository(self.path, bare=True, initial_head="main")
        self.root = self.commit(MAIN, {"README.md": "# Challenge\n", "train_gpt.py": SCRIPT})

    def tree(self, files: Mapping[str, str | bytes]) -> pygit2.Oid:
        index = pygit2.Index()
        for path, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            index.add(pygit2.IndexEntry(path, self.repo.create_blob(data), pygit2.enums.FileMode.BLOB))
        return index.write_tree(self.repo)

    def files(self, commit: pygit2.Oid) -> dict[str, bytes]:
        found: dict[str, bytes] = {}

        def walk(node: pygit2.Tree, prefix: str) -> None:
            for entry in node:
                if isinstance(entry, pygit2.Tree):
                    walk(entry, f"{prefix}{entry.name}/")
                elif isinstance(entry, pygit2.Blob):
                    found[f"{prefix}{entry.name}"] = entry.data

        walk(self.repo[commit].peel(pygit2.Tree), "")
        return found

    def commit(
        self,
        ref: str | None,
        files: Mapping[str, str | bytes],
        *parents: pygit2.Oid,
        remove: tuple[str, ...] = (),
        when: int = 0,
    ) -> pygit2.Oid:
        """Make a commit; `when` is in seconds since 1970, the same for all where it is left out."""
        base = self.files(parents[0]) if parents else {}
        merged = {path: data for path, data in {**base, **files}.items() if path not in remove}
        author = pygit2.Signature("A", "a@example.org", when, 0) if when else ME
        made = self.repo.create_commit(None, author, author, "c", self.tree(merged), list(parents))
        if ref:
            self.repo.references.create(ref, made, force=True)
        return made

    def pull(
        self,
        number: int,
        files: Mapping[str, str | bytes],
        parent: pygit2.Oid | None = None,
        *,
        remove: tuple[str, ...] = (),
        when: int = 0,
    ) -> pygit2.Oid:
        """Give a pull request a head that adds `files`."""
        ref = f"refs/pull/{number}/head"
        return self.commit(ref, files, parent or self.root, remove=remove, when=when)

    def load(self, number: int, *, folder: str | None = None, base: str | None = None) -> Intake:
        return load(None, repo=self.path, pr=number, folder=folder, base=base)


def record(name: str, track: str = "track_10min_16mb", **files: str | bytes) -> dict[str, str | bytes]:
    """Return the files of a record folder, by path in the repository."""
    texts = {"train_gpt.py": SCRIPT, "README.md": f"# {name}\n", **files}
    return {f"records/{track}/{name}/{path}": text for path, text in texts.items()}
