"""The statement over a run directory: which files, which digests, which verdict."""

from __future__ import annotations

import hashlib
import os
import stat
from typing import TYPE_CHECKING, Any, Final

from audits.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.rundir import ReplayDir

STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE: Final = "https://github.com/golf-referee/replay/v1"
BUNDLE_NAME: Final = "attestation.json"
MAX_FILES: Final = 10_000


def statement(directory: ReplayDir) -> dict[str, Any]:
    """Return the statement; raises UserError for a directory that holds no finished replay."""
    from harness.replay.compare import Comparison
    from harness.replay.keep import read_plan, read_record
    from harness.version import version

    comparison = read_record(directory.comparison, Comparison)
    plan = read_plan(directory)
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": name, "digest": {"sha256": digest}} for name, digest in digests(directory.root)],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "referee": version(),
            "verdict": comparison.verdict.value,
            "why": comparison.why,
            "profile": plan.profile,
            "seeds": list(plan.seeds),
            "submissionDigest": {"sha256": plan.digest},
        },
    }


def canonical(document: dict[str, Any]) -> bytes:
    """Return a document in the one spelling that is signed (RFC 8785)."""
    import rfc8785

    return rfc8785.dumps(document)


def digests(root: Path) -> list[tuple[str, str]]:
    """Return relative path and SHA-256 of every file of a run directory but the bundle, by path."""
    found = [(os.path.relpath(path, root).replace(os.sep, "/"), path) for path in _files(root)]
    if len(found) > MAX_FILES:
        raise UserError(f"{root} holds more than {MAX_FILES} files", "is this the directory of a replay?")
    return sorted((name, _digest(path)) for name, path in found if name != BUNDLE_NAME)


def _files(root: Path) -> Iterator[str]:
    """Yield every regular file; a link is an error, since it may point anywhere."""
    for folder, _, names in os.walk(root, followlinks=False):
        for name in names:
            path = os.path.join(folder, name)
            if not stat.S_ISREG(os.lstat(path).st_mode):
                raise UserError(f"{path} is no regular file", "a run directory holds files only")
            yield path


def _digest(path: str) -> str:
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
