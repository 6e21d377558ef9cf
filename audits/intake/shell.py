"""Read the simple commands out of shell text, statically: nothing is run, nothing is looked up.

Knows assignments, `export`, `env`, continuations, `&&`, loops over a list (first value taken), defaults
such as `${SEED:-42}` and PowerShell's `$env:NAME=`. What it does not know is passed over, never guessed at.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_LOGICAL_LINE = 16 * 1024
MAX_COMMANDS = 200
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=")
_POWERSHELL = re.compile(r"\$env:([A-Za-z_]\w*)\s*=\s*(.*)", re.IGNORECASE | re.DOTALL)
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?::?[-=]([^{}$]*))?\})")
_HEREDOC = re.compile(r"<<-?\s*['\"]?([A-Za-z_]\w*)")
_SEPARATORS = frozenset({";", "&&", "||", "|", "&", ";;", "|&"})
_KEYWORDS = frozenset(
    {"do", "then", "else", "if", "elif", "while", "until", "{", "(", "!", "done", "fi", "}"}
)


@dataclass(frozen=True, slots=True)
class ShellCommand:
    """One simple command with the environment in force where it stands."""

    env: tuple[tuple[str, str], ...]
    argv: tuple[str, ...]
    line: int
    text: str
    comment: str
    """The comment lines right above it."""


@dataclass(slots=True)
class ShellState:
    """Variables known so far; carried from one block to the next when they belong together."""

    variables: dict[str, str] = field(default_factory=dict)
    exported: dict[str, str] = field(default_factory=dict)

    def expand(self, word: str) -> str:
        """Return the word with known variables put in; unknown ones stay as written."""
        for _ in range(4):  # innermost first, so nested defaults need a few rounds
            if "$" not in word or len(word) > MAX_LOGICAL_LINE:
                break
            # Counted first: variables made of one another would grow without end.
            if sum(len(self._value(match)) for match in _VARIABLE.finditer(word)) > MAX_LOGICAL_LINE:
                break
            replaced = _VARIABLE.sub(self._value, word)
            if replaced == word:
                break
            word = replaced
        return word

    def _value(self, match: re.Match[str]) -> str:
        name = match[1] or match[2]
        known = self.variables.get(name, self.exported.get(name))
        if known is not None and known != match[0]:
            return known
        return match[3] if match[3] is not None else match[0]


def read_commands(text: str, first_line: int, state: ShellState) -> Iterator[ShellCommand]:
    """Yield the simple commands of a block of shell text, at most `MAX_COMMANDS`."""
    count = 0
    for line, logical, comment in logical_lines(text, first_line):
        for words in _segments(logical):
            command = _command(words, line, logical, comment, state)
            if command is not None:
                yield command
                count += 1
                if count >= MAX_COMMANDS:
                    return


def logical_lines(text: str, first_line: int) -> Iterator[tuple[int, str, str]]:
    """Yield (line, text, comment above) with continuations joined and comments and heredocs dropped."""
    pending: list[str] = []
    start, comments, heredoc = first_line, list[str](), ""
    for number, raw in enumerate(text.splitlines(), first_line):
        line = raw.strip()
        if heredoc:
            heredoc = "" if line == heredoc else heredoc
            continue
        if line.startswith("#"):
            if not pending:
                comments.append(line.lstrip("# "))
            continue
        line = _without_comment(_without_prompt(line))
        if not pending:
            start = number
        if line.endswith(("\\", "`", "^")) and line.count("`") != 2:
            pending.append(line[:-1])
            continue
        if not line and pending and not raw.strip():
            line = ""
        pending.append(line)
        joined = " ".join(part.strip() for part in pending).strip()
        pending = []
        if joined:
            match = _HEREDOC.search(joined)
            heredoc = match[1] if match else ""
            yield start, joined[:MAX_LOGICAL_LINE], " ".join(comments[-3:])
            comments = []
    if pending:
        yield (
            start,
            " ".join(part.strip() for part in pending).strip()[:MAX_LOGICAL_LINE],
            " ".join(comments[-3:]),
        )


def _without_prompt(line: str) -> str:
    return line[2:] if line.startswith(("$ ", "> ", "% ")) else line


def _without_comment(line: str) -> str:
    """Drop a trailing comment that does not stand inside quotes."""
    if "#" not in line:
        return line
    quote = ""
    for index, char in enumerate(line):
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char == "#" and (index == 0 or line[index - 1].isspace()):
            return line[:index].rstrip()
    return line


def _segments(logical: str) -> Iterator[list[str]]:
    powershell = _POWERSHELL.match(logical)
    if powershell:
        for part in logical.split(";")[:64]:
            match = _POWERSHELL.match(part.strip())
            yield (
                ["export", f"{match[1]}={match[2].strip().strip(chr(34) + chr(39))}"]
                if match
                else _words(part)
            )
        return
    segment: list[str] = []
    for word in _words(logical):
        if word in _SEPARATORS:
            yield segment
            segment = []
        else:
            segment.append(word)
    yield segment


def _words(text: str) -> list[str]:
    lexer = shlex.shlex(text, posix=True, punctuation_chars=";&|")
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        return list(lexer)
    except ValueError:
        return text.replace(";", " ; ").split()  # an unbalanced quote: the plain words still tell the script


def _command(words: list[str], line: int, text: str, comment: str, state: ShellState) -> ShellCommand | None:
    while words and words[0] in _KEYWORDS:
        words = words[1:]
    if not words:
        return None
    if words[0] == "for" and len(words) >= 4 and words[2] == "in":
        state.variables[words[1]] = state.expand(words[3])
        return None
    if words[0] in ("export", "set", "declare", "typeset", "readonly", "local"):
        _export(words, state)
        return None
    if words[0] == "unset":
        for name in words[1:]:
            state.variables.pop(name, None)
            state.exported.pop(name, None)
        return None
    env, argv = _split_env(words, state)
    if not argv:
        state.variables.update(env)
        return None
    merged = {name: value for name, value in state.variables.items() if name.isupper()}
    merged |= state.exported
    merged |= env
    return ShellCommand(tuple(merged.items()), tuple(map(state.expand, argv)), line, text, comment)


def _export(words: list[str], state: ShellState) -> None:
    for word in words[1:]:
        match = _ASSIGNMENT.match(word)
        if match:
            state.exported[match[1]] = state.expand(word[match.end() :])
        elif word in state.variables:
            state.exported[word] = state.variables[word]


def _split_env(words: list[str], state: ShellState) -> tuple[dict[str, str], list[str]]:
    """Return leading assignments, those of an `env` prefix included, and the remaining words."""
    env: dict[str, str] = {}
    index = 0
    while index < len(words):
        match = _ASSIGNMENT.match(words[index])
        if match:
            env[match[1]] = state.expand(words[index][match.end() :])
        elif not (
            words[index] == "env" or (words[index] in ("-i", "-") and index and words[index - 1] == "env")
        ):
            break
        index += 1
    return env, words[index:]
