"""A folder whose README says what a test wants it to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.intake.assemble import assemble
from audits.submission import Origin, OriginKind, Submission
from tests.audits.builders import FOLDER, TRACK, make_file

if TYPE_CHECKING:
    from audits.submission import SourceFile


def handed_in(*told: str, script: str, **more: str) -> Submission:
    files = {"train_gpt.py": script, "README.md": "\n".join(("# An entry", "", *told)), **more}
    return of_files(*(make_file(name, content) for name, content in files.items()))


def of_files(*files: SourceFile) -> Submission:
    """Return the submission as intake makes it, with what it reads of script and commands."""
    path = f"records/{TRACK}/{FOLDER}"
    return assemble(
        origin=Origin(OriginKind.FOLDER, path),
        path=path,
        track=TRACK,
        folder=FOLDER,
        files=files,
        problems=(),
    )
