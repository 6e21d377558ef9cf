"""Recognise a command that starts a Python script, and name the script and its process count."""

from __future__ import annotations

import re
from typing import NamedTuple

_PYTHON = re.compile(r"python(\d(\.\d+)?)?(\.exe)?\Z")
_DISTRIBUTED = frozenset({"torch.distributed.run", "torch.distributed.launch", "torchrun"})
_PREFIXES = frozenset(
    [
        "nohup",
        "time",
        "timeout",
        "sudo",
        "nice",
        "stdbuf",
        "numactl",
        "taskset",
        "srun",
        "uv",
        "poetry",
        "conda",
        "exec",
        "command",
        "env",
        "mpirun",
        "mpiexec",
        "xvfb-run",
        "caffeinate",
        "unbuffer",
        "chrt",
        "setsid",
        "docker",
        "podman",
        "ssh",
        "tmux",
        "screen",
        "script",
        "modal",
        "torchx",
    ]
)
_NPROC = ("--nproc_per_node", "--nproc-per-node", "--num_processes", "--num_gpus", "--nproc")
_PYTHON_OPTIONS_WITH_VALUE = frozenset({"-W", "-X", "--check-hash-based-pycs"})
MAX_WORDS = 400


class Launch(NamedTuple):
    """What a command starts."""

    script: str | None
    nproc: int | None


def recognise(argv: tuple[str, ...]) -> Launch | None:
    """Return what the command starts, or None when it starts no script."""
    words = _runner_onwards(argv[:MAX_WORDS])
    if not words:
        return None
    name, rest = _base(words[0]), words[1:]
    if name == "torchrun":
        return _distributed(rest)
    if name in ("accelerate", "deepspeed"):
        return _distributed(rest[1:] if rest[:1] == ["launch"] else rest)
    if _PYTHON.match(name):
        return _python(rest)
    if name in ("bash", "sh", "zsh", "source", "."):
        return next((Launch(word, None) for word in rest[:4] if word.endswith(".sh")), None)
    if name.endswith(".sh") or (name.endswith(".py") and "/" in words[0]):
        return Launch(words[0], None)
    return None


def _base(word: str) -> str:
    return word.replace("\\", "/").rsplit("/", 1)[-1]


def _is_runner(word: str) -> bool:
    name = _base(word)
    return name in ("torchrun", "accelerate", "deepspeed", "bash", "sh", "zsh", "source", ".") or bool(
        _PYTHON.match(name) or name.endswith((".sh", ".py"))
    )


def _runner_onwards(argv: tuple[str, ...]) -> list[str]:
    """Drop wrappers such as `nohup` or `srun --ntasks 1` in front of the launcher."""
    if not argv:
        return []
    if _is_runner(argv[0]) or _base(argv[0]) not in _PREFIXES:
        return list(argv)
    for index, word in enumerate(argv[1:60], 1):
        if _is_runner(word) and not word.startswith("-"):
            if word.endswith(".py"):
                return ["python", *argv[index:]]
            return list(argv[index:])
    return []


def _python(words: list[str]) -> Launch | None:
    index = 0
    while index < len(words):
        word = words[index]
        if word == "-m":
            module = words[index + 1] if index + 1 < len(words) else ""
            if module in _DISTRIBUTED:
                return _distributed(words[index + 2 :])
            return Launch(module.replace(".", "/") + ".py", None) if module else None
        if word == "-c" or word == "-":
            return None
        if not word.startswith("-"):
            return Launch(word, None) if word.endswith(".py") else None
        index += 2 if word in _PYTHON_OPTIONS_WITH_VALUE else 1
    return None


def _distributed(words: list[str]) -> Launch:
    nproc: int | None = None
    for index, word in enumerate(words):
        option, _, value = word.partition("=")
        if option in _NPROC:
            nproc = _number(value or (words[index + 1] if index + 1 < len(words) else ""))
        elif word == "-m" and index + 1 < len(words):
            return Launch(words[index + 1].replace(".", "/") + ".py", nproc)
        elif word.endswith(".py") and not word.startswith("-"):
            return Launch(word, nproc)
    return Launch(None, nproc)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 5 else None
