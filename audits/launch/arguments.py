"""The words of a documented command that reach the script, and the variables that reach its environment.

What only a shell, a launcher or the author's machine needs is dropped, with the reason. Nothing is expanded
here beyond what reading the command did.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from audits.launch.records import Choice, Variable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audits.submission import RunCommand

MAX_ARGUMENTS = 200
MAX_VARIABLES = 500
MAX_VALUE = 4096
_REDIRECTION = re.compile(r"\d*(?:>>?|<<?)(?:&\d*)?\Z")
_GLUED_REDIRECTION = re.compile(r"\d*(?:>>?|<)[^=].*\Z", re.DOTALL)
_LOG_NAMES = (".log", ".txt", ".out")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}\Z")
_OPEN = re.compile(r"\$|`|<[^<>]*>|\{[^{}]*\}")
_HOST = frozenset("PATH HOME USER SHELL PWD TMPDIR TEMP TMP LANG TERM HOSTNAME VIRTUAL_ENV".split())
_LAUNCHER = frozenset(
    "RANK LOCAL_RANK WORLD_SIZE LOCAL_WORLD_SIZE GROUP_RANK NODE_RANK MASTER_ADDR MASTER_PORT NPROC"
    " NPROC_PER_NODE NGPU NUM_GPUS GPUS CUDA_VISIBLE_DEVICES".split()
)
_LOADS_CODE = ("LD_", "DYLD_", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONINSPECT", "PYTHONUSERBASE", "BASH_ENV")
_OURS = ("REFEREE_",)


def script_arguments(command: RunCommand) -> tuple[str, ...]:
    """Return the words after the script, redirections left out."""
    words = command.argv
    start = _after_script(command)
    kept: list[str] = []
    skip = False
    for word in words[start:] if start is not None else ():
        if skip:
            skip = False
        elif _REDIRECTION.match(word):
            skip = not word.rstrip("0123456789").endswith("&")
            # A continued line may begin with `> run.log`, which reads like a prompt and its word (#1626).
            if word.startswith("2") and kept and kept[-1].endswith(_LOG_NAMES):
                kept.pop()
        elif not _GLUED_REDIRECTION.match(word):
            kept.append(word)
    return tuple(kept[:MAX_ARGUMENTS])


def _after_script(command: RunCommand) -> int | None:
    """Return the position of the first word after the script."""
    script = command.script
    if script is None:
        return None
    module = script.removesuffix(".py").replace("/", ".")
    for index, word in enumerate(command.argv):
        if word == script or (word == module and index and command.argv[index - 1] == "-m"):
            return index + 1
    return None


def open_word(text: str) -> bool:
    """Tell whether a word depends on something that nobody states: a variable, a placeholder, a command."""
    return _OPEN.search(text) is not None


def command_variables(command: RunCommand) -> tuple[list[Variable], list[Choice]]:
    """Return the variables that reach the script, and why others do not."""
    kept: dict[str, Variable] = {}
    dropped: list[Choice] = []
    for name, value in command.env[:MAX_VARIABLES]:
        why = refusal(name, value)
        if why:
            dropped.append(Choice(f"{name[:80]} is not set", why, command.path, command.line))
        else:
            kept[name] = Variable(name, value, "command", command.path, command.line)
    return list(kept.values()), dropped


def refusal(name: str, value: str) -> str:
    """Return why a variable is not handed on, else an empty string."""
    for reason, applies in _refusals(name, value):
        if applies:
            return reason
    return ""


def _refusals(name: str, value: str) -> Iterator[tuple[str, bool]]:
    yield "not the name of a variable", _NAME.match(name) is None
    yield "describes the author's machine", name in _HOST
    yield "the launcher's own, set by whoever starts the processes", name in _LAUNCHER
    yield "would load code into the interpreter before the script", name.startswith(_LOADS_CODE)
    yield "reserved for Referee", name.startswith(_OURS)
    yield "its value depends on what the command does not say", open_word(value)
    yield f"longer than {MAX_VALUE} characters", len(value) > MAX_VALUE
    yield "holds a NUL character", "\0" in value
