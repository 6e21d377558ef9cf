"""Choose, among documented commands, the one that a reader would take for the claimed run."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from audits.submission import RunCommand, SourceFile, Submission

_FOR = re.compile(
    r"reproduc|\brun(ning)?\b|command|record|\bfull\b|final|headline|leaderboard|submission"
    r"|8 ?x ?h100|3.seed|training",
    re.IGNORECASE,
)
_AGAINST = re.compile(
    r"ablat|smoke|quick|sanity|debug|baseline|\btest\b|single.?gpu|1 ?x ?(h100|gpu|a100)|\blocal|compar"
    r"|control"
    r"|without|disabl|turn(ed|ing)? (it )?off|base model"
    r"|\bdry|cpu|mlx|data prep|prepar|download|tokeni[sz]|previous|prior|variant|optional|diagnos"
    r"|eval.?only|sweep|preflight|alternativ|experimental",
    re.IGNORECASE,
)
_NOT_TRAINING = re.compile(
    r"prepare|download|cached|token|data|retoken|setup|build|plot|analy|test|pack|compress", re.I
)


def headline(submission: Submission) -> RunCommand | None:
    """Return the documented command that belongs to the claimed run of the main script, or None."""
    main = submission.main_script
    if main is None:
        return None
    return choose_headline(submission.run_commands, main, submission.files)


def choose_headline(
    commands: tuple[RunCommand, ...], main: str, files: tuple[SourceFile, ...]
) -> RunCommand | None:
    """Return the best command for the script `main`; ties go to the one documented first."""
    candidates = _resolved(commands, files)
    direct = [command for command in candidates if runs(command, main)]
    if not direct:
        names = {entry.name for entry in files}
        direct = [command for command in candidates if _renamed_training(command, names)]
    if not direct:
        return None
    return max(enumerate(direct), key=lambda item: (_score(item[1]), -item[0]))[1]


def runs(command: RunCommand, script: str) -> bool:
    """Return whether the command starts the script, whatever folder it names it from."""
    if command.script is None:
        return False
    return command.script.replace("\\", "/").rsplit("/", 1)[-1] == script.rsplit("/", 1)[-1]


def _resolved(commands: tuple[RunCommand, ...], files: tuple[SourceFile, ...]) -> list[RunCommand]:
    """Put what a run script runs in the place of a command that calls that script."""
    by_script: dict[str, list[RunCommand]] = {}
    for command in commands:
        if command.path.endswith(".sh"):
            by_script.setdefault(command.path.rsplit("/", 1)[-1], []).append(command)
    found: list[RunCommand] = []
    for command in commands:
        inner = by_script.get((command.script or "").rsplit("/", 1)[-1], []) if command.script else []
        if inner and not command.path.endswith(".sh"):
            # The script's own assignments stand nearer to the run, so they come last and win.
            found += [replace(item, env=(*command.env, *item.env), label=command.label) for item in inner]
        else:
            found.append(command)
    return found


def _renamed_training(command: RunCommand, names: set[str]) -> bool:
    """Return whether the command trains with a script that was renamed before it was handed in."""
    if command.script is None or not command.script.endswith(".py"):
        return False
    name = command.script.rsplit("/", 1)[-1]
    return name not in names and "train" in name and not _NOT_TRAINING.search(name)


def _score(command: RunCommand) -> float:
    score = 0.0
    # Only the innermost part of the label speaks about this one command.
    label = command.label[-240:]
    if _FOR.search(label):
        score += 2
    if _AGAINST.search(label):
        score -= 6
    if command.nproc is not None:
        score += 1 + math.log2(command.nproc + 1) / 2
    score += math.log2(len(command.env) + 1) / 2
    if command.path.lower().rsplit("/", 1)[-1].startswith("readme"):
        score += 1
    return score - 6 * _is_short(dict(command.env))


def _is_short(env: dict[str, str]) -> bool:
    """Return whether the environment asks for a trial of a few steps or seconds."""
    for name, limit in (("ITERATIONS", 400.0), ("MAX_WALLCLOCK_SECONDS", 180.0)):
        try:
            if 0 < float(env.get(name, "nan")) <= limit:
                return True
        except ValueError:
            continue
    return False
