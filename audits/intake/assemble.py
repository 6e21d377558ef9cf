"""Put one submission together from its files: run commands, then the script to judge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.intake.main_script import choose_main_script
from audits.intake.run_command import read_run_commands
from audits.submission import Change, IntakeProblem, Origin, SourceFile, Submission

if TYPE_CHECKING:
    from collections.abc import Iterable


def assemble(
    *,
    origin: Origin,
    path: str,
    track: str | None,
    folder: str,
    files: Iterable[SourceFile],
    problems: Iterable[IntakeProblem],
    changes: tuple[Change, ...] = (),
    other_folders: tuple[str, ...] = (),
    main_script: str | None = None,
) -> Submission:
    """Return the submission; `main_script` overrides the choice when the user named a script."""
    kept = tuple(files)
    commands = read_run_commands(kept)
    if main_script is None:
        main_script, reason = choose_main_script(kept, commands)
    else:
        reason = "named by the user"
    return Submission(
        origin=origin,
        path=path,
        track=track,
        folder=folder,
        files=kept,
        main_script=main_script,
        main_script_reason=reason,
        run_commands=commands,
        changes=changes,
        other_folders=other_folders,
        problems=tuple(problems),
    )
