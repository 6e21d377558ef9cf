"""Collect every documented way to run the submission: README, run scripts, submission.json."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from audits.intake.headline import headline
from audits.intake.launcher import recognise
from audits.intake.readme_blocks import blocks
from audits.intake.shell import ShellCommand, ShellState, read_commands
from audits.submission import RunCommand, SourceFile

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_COMMANDS = 200
MAX_SCRIPT_BYTES = 128 * 1024
MAX_JSON_BYTES = 256 * 1024
MAX_JSON_DEPTH = 64
_COMMAND_KEY = re.compile(r"command|\bcmd\b|^run$|reproduc", re.IGNORECASE)


def read_run_commands(files: tuple[SourceFile, ...]) -> tuple[RunCommand, ...]:
    """Return the documented commands: README first, then submission.json, then run scripts."""
    found: list[RunCommand] = []
    for source, read in _sources(files):
        for command in read(source):
            found.append(command)
            if len(found) >= MAX_COMMANDS:
                return tuple(found)
    return tuple(found)


def _sources(files: tuple[SourceFile, ...]):  # type: ignore[no-untyped-def]
    ordered = sorted(files, key=lambda entry: (entry.path.count("/"), entry.path))
    for entry in ordered:
        if entry.name.lower().startswith("readme") and entry.data:
            yield entry, _from_readme
    for entry in ordered:
        if entry.name.lower().startswith("submission") and entry.suffix == ".json" and entry.data:
            yield entry, _from_json
    for entry in ordered:
        if entry.suffix == ".sh" and entry.data:
            yield entry, _from_script


def _text(entry: SourceFile, cap: int) -> str:
    return entry.data[:cap].decode("utf-8-sig", "replace")


def _from_readme(entry: SourceFile) -> Iterator[RunCommand]:
    section, state = -1, ShellState()
    for block in blocks(_text(entry, MAX_SCRIPT_BYTES * 4)):
        if block.section != section:
            section, state = block.section, ShellState()
        state.variables.clear()
        for command in read_commands(block.text, block.line, state):
            made = _run_command(command, entry.path, block.label)
            if made is not None:
                yield made


def _from_script(entry: SourceFile) -> Iterator[RunCommand]:
    for command in read_commands(_text(entry, MAX_SCRIPT_BYTES), 1, ShellState()):
        made = _run_command(command, entry.path, entry.name)
        if made is not None:
            yield made


def _from_json(entry: SourceFile) -> Iterator[RunCommand]:
    text = _text(entry, MAX_JSON_BYTES)
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return
    for key, value in _command_strings(document, 0):
        line = text[: max(text.find(f'"{key}"'), 0)].count("\n") + 1
        for command in read_commands(value, line, ShellState()):
            made = _run_command(command, entry.path, key)
            if made is not None:
                yield RunCommand(
                    made.env, made.argv, made.script, made.path, line, made.nproc, made.text, key
                )


def _command_strings(node: object, depth: int) -> Iterator[tuple[str, str]]:
    if depth > MAX_JSON_DEPTH:
        return
    if isinstance(node, list):
        for item in node:
            yield from _command_strings(item, depth + 1)
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        texts = value if isinstance(value, list) else [value]
        if _COMMAND_KEY.search(str(key)):
            yield from ((str(key), text) for text in texts if isinstance(text, str))
        if isinstance(value, dict | list):
            yield from _command_strings(value, depth + 1)


def _run_command(command: ShellCommand, path: str, label: str) -> RunCommand | None:
    launch = recognise(command.argv)
    if launch is None:
        return None
    return RunCommand(
        env=command.env,
        argv=command.argv,
        script=launch.script,
        path=path,
        line=command.line,
        nproc=launch.nproc,
        text=" ".join(command.text.split()),
        label=" / ".join(part for part in (label, command.comment) if part)[:600],
    )


__all__ = ["headline", "read_run_commands"]
