"""Python scripts that a script starts as processes of their own and waits for, run in this process instead.

A launcher that hands on to a trainer (#556) is then seen, scaled and judged like the trainer itself. Promises
arguments, environment, folder and exit status as the child would have them; only for plain `python FILE.py`
and torchrun of a file that is the submission's, whose output nobody reads. Everything else starts as it did.
What a child leaves in modules stays: it shares this process.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..shim.patching import used
from . import loader

PART = "child-in-process"
_PYTHON = ("python", "python3")
_UNDERSTOOD = frozenset({"check", "cwd", "env"})
"""Options of a call that is answered here; any other has a meaning that only a process can give."""
_LAUNCHER = ("torch.distributed.run", "torch.distributed.launch")


def install() -> None:
    """Answer the calls that wait for a child."""
    real_run, real_call, real_check = subprocess.run, subprocess.call, subprocess.check_call

    def run(*args: Any, **options: Any) -> Any:
        found = _answered(args, options)
        if found is None:
            return real_run(*args, **options)
        if options.get("check") and found:
            raise subprocess.CalledProcessError(found, args[0])
        return subprocess.CompletedProcess(args[0], found)

    def call(*args: Any, **options: Any) -> Any:
        found = _answered(args, options)
        return real_call(*args, **options) if found is None else found

    def check_call(*args: Any, **options: Any) -> Any:
        found = _answered(args, options)
        if found:
            raise subprocess.CalledProcessError(found, args[0])
        return real_check(*args, **options) if found is None else 0

    for name, answer in (("run", run), ("call", call), ("check_call", check_call)):
        setattr(subprocess, name, answer)


def _answered(args: tuple[Any, ...], options: dict[str, Any]) -> int | None:
    """Return the exit status of a child that was run here, None where it is to be started."""
    if len(args) != 1 or not isinstance(args[0], list | tuple) or not set(options) <= _UNDERSTOOD:
        return None
    folder = os.fspath(options.get("cwd") or os.getcwd())
    words = script_and_arguments([os.fspath(word) for word in args[0]])
    path = os.path.join(folder, words[0]) if words else ""
    if not words or not os.path.isfile(path) or loader.foreign(path):
        return None
    used(PART, os.path.basename(path))
    with _as_child(folder, options.get("env"), [path, *words[1:]]):
        return _status(lambda: loader.run_script(path, "__main__"))


def script_and_arguments(command: list[str]) -> list[str]:
    """Return the script of a command and its arguments, nothing where it is no plain Python script."""
    rest = command[1:]
    name = os.path.basename(command[0]) if command else ""
    launched = name == "torchrun"
    if name in _PYTHON or (command and command[0] == sys.executable):
        rest = rest[1:] if rest[:1] == ["-u"] else rest
        if rest[:1] == ["-m"] and rest[1:2] and rest[1] in _LAUNCHER:
            launched, rest = True, rest[2:]
    elif not launched:
        return []
    while launched and rest and rest[0].startswith("-"):
        rest = rest[1:]
    return rest if rest and rest[0].endswith(".py") else []


@contextlib.contextmanager
def _as_child(folder: str, env: Mapping[str, str] | None, argv: list[str]) -> Iterator[None]:
    """Give the script what a process of its own would have; put everything back."""
    kept = dict(os.environ), os.getcwd(), sys.argv, list(sys.path), sys.modules.get("__main__")
    try:
        if env is not None:
            os.environ.clear()
            os.environ.update({str(name): str(value) for name, value in env.items()})
        os.chdir(folder)
        sys.argv = argv
        sys.path.insert(0, os.path.dirname(os.path.abspath(argv[0])))
        yield
    finally:
        os.environ.clear()
        os.environ.update(kept[0])
        os.chdir(kept[1])
        sys.argv, sys.path[:] = kept[2], kept[3]
        if kept[4] is not None:
            sys.modules["__main__"] = kept[4]


def _status(script: Callable[[], object]) -> int:
    """Run a script and return the status with which its process would have ended."""
    try:
        script()
    except SystemExit as error:
        if error.code is None or isinstance(error.code, int):
            return error.code or 0
        print(error.code, file=sys.stderr)
        return 1
    except Exception:
        traceback.print_exc()
        return 1
    return 0
