"""Choose the script that is judged, and say why.

The challenge asks for `train_gpt.py`; real folders also hold it empty, under another name, or beside the
script that really computes the score.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from audits.intake.headline import choose_headline

if TYPE_CHECKING:
    from audits.submission import RunCommand, SourceFile

_PREFERRED = ("train_gpt.py", "train_gpt_mlx.py", "train.py", "train_mlx.py")
_GUARD = re.compile(rb"__name__\s*==\s*['\"]__main__['\"]")
_HELPER = re.compile(
    r"(^|[/_])(test|tests|setup|conftest|prepare|download|data|tokenizer|plot|analy[sz]e|pack|compress|utils?|"
    r"lossless|retokenize|build|run_tests|generate|convert|verify|check|launch|modal|runpod|patch|sweep)",
    re.IGNORECASE,
)


def choose_main_script(
    files: tuple[SourceFile, ...], commands: tuple[RunCommand, ...]
) -> tuple[str | None, str]:
    """Return the path of the script to judge and the reason for it."""
    scripts = [entry for entry in files if entry.suffix == ".py" and not _is_package_file(entry)]
    if not scripts:
        return None, "the folder holds no Python script"
    written = [entry for entry in scripts if entry.size > 0 and entry.data]
    if not written:
        absent = next((entry for entry in scripts if entry.absent), None)
        if absent is not None:
            return absent.path, "the only script named; its content is absent from the repository"
        chosen = min(scripts, key=lambda entry: (_rank(entry.name), entry.path))
        return chosen.path, "every script in the folder is empty or unreadable"
    return _choose(written, commands, files)


def _choose(
    written: list[SourceFile], commands: tuple[RunCommand, ...], files: tuple[SourceFile, ...]
) -> tuple[str, str]:
    top = [entry for entry in written if "/" not in entry.path]
    for name in _PREFERRED[:2]:
        if any(entry.path == name for entry in top):
            empty = name != _PREFERRED[0] and any(entry.path == _PREFERRED[0] for entry in files)
            return name, f"named as the challenge asks{'; train_gpt.py is empty' if empty else ''}"
    documented = _documented(written, commands, files)
    if documented is not None:
        return documented
    return _by_shape(written)


def _documented(
    written: list[SourceFile], commands: tuple[RunCommand, ...], files: tuple[SourceFile, ...]
) -> tuple[str, str] | None:
    """Return the script of the best documented command that runs a script of the folder."""
    for entry in sorted(written, key=lambda item: (item.path.count("/"), _rank(item.name), -item.size)):
        if _HELPER.search(entry.name) and "train" not in entry.name:
            continue
        command = choose_headline(commands, entry.path, files)
        if command is not None and (command.script or "").rsplit("/", 1)[-1] == entry.name:
            return entry.path, f"run by the command at {command.path}:{command.line}"
    return None


def _by_shape(written: list[SourceFile]) -> tuple[str, str]:
    best = max(written, key=_shape)
    why = ["largest candidate"]
    if best.name in _PREFERRED:
        why = ["named as the challenge asks, below the folder"]
    elif "train" in best.name:
        why = ["named as a training script"]
    if _GUARD.search(best.data):
        why.append("has a main guard")
    return best.path, ", ".join(why)


def _shape(entry: SourceFile) -> tuple[bool, bool, int, bool, int, str]:
    helper = bool(_HELPER.search(entry.path)) and "train" not in entry.name
    return (
        not helper,
        "train" in entry.name,
        -_rank(entry.name),
        bool(_GUARD.search(entry.data)),
        entry.size,
        entry.path,
    )


def _rank(name: str) -> int:
    return _PREFERRED.index(name) if name in _PREFERRED else len(_PREFERRED)


def _is_package_file(entry: SourceFile) -> bool:
    return entry.name in ("__init__.py", "setup.py", "conftest.py")
