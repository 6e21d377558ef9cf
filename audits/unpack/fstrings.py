"""Find string literals by the newer grammar, in which an f-string may hold its own quotes.

A scanner, not a parser: it tells where literals begin and end and which stand next to each other.
Text it cannot make sense of ends the scan; what was found so far stays.
"""

from __future__ import annotations

import re
from typing import NamedTuple

MAX_FSTRING_DEPTH = 12
_TOKEN = re.compile(r"#[^\n]*|\\\r?\n|\n|[(\[{]|[)\]}]|([A-Za-z]{0,2})(\"\"\"|'''|\"|')|\w+|[^\S\n]+|.")
_PREFIXES = frozenset("r b u f rb br rf fr".split()) | {""}
_IN_EXPRESSION = re.compile(
    r"#[^\n]*|([A-Za-z]{0,2})(\"\"\"|'''|\"|')|[(\[{]|[)\]}]|!=|:|\w+|\s+|.", re.DOTALL
)


class Literal(NamedTuple):
    """One string literal."""

    start: int
    end: int
    formatted: bool


class _ScanError(Exception):
    """The text is not what the grammar allows."""


def literal_groups(source: str) -> list[list[Literal]]:
    """Return runs of literals that Python would join, in order."""
    groups: list[list[Literal]] = []
    depth, position, joined = 0, 0, False
    try:
        while position < len(source):
            match = _TOKEN.match(source, position)
            if match is None:
                break
            text = match[0]
            if match[2] and match[1].lower() in _PREFIXES:
                end = _literal_end(source, match.end(), match[1].lower(), match[2], 0)
                literal = Literal(position, end, "f" in match[1].lower())
                if joined and groups:
                    groups[-1].append(literal)
                else:
                    groups.append([literal])
                joined, position = True, end
                continue
            if match[2]:  # letters that are no prefix: the quote is looked at on its own
                position = match.end() - len(match[2])
                joined = False
                continue
            depth += (text in "([{") - (text in ")]}") if len(text) == 1 else 0
            between = text.isspace() or text.startswith(("#", "\\"))
            joined = joined and between and not (text == "\n" and depth <= 0)
            position = match.end()
    except _ScanError:
        pass
    return groups


def _literal_end(source: str, start: int, prefix: str, quote: str, depth: int) -> int:
    """Return where a literal ends whose opening quote ends at `start`."""
    if depth > MAX_FSTRING_DEPTH:
        raise _ScanError
    if "f" in prefix:
        return _formatted_end(source, start, quote, depth)
    stop = re.compile(r"\\.|" + quote + ("" if len(quote) == 3 else r"|\n"), re.DOTALL)
    for match in stop.finditer(source, start):
        if match[0] == quote:
            return match.end()
        if match[0] == "\n":
            break
    raise _ScanError


def _formatted_end(source: str, start: int, quote: str, depth: int) -> int:
    stop = re.compile(r"\\\{|\\.|\{\{|\{|" + quote + ("" if len(quote) == 3 else r"|\n"), re.DOTALL)
    position = start
    while match := stop.search(source, position):
        if match[0] == quote:
            return match.end()
        if match[0] == "\n":
            break
        position = match.end()
        if match[0] in ("{", "\\{"):
            position = _field_end(source, position, quote, depth)
    raise _ScanError


def _field_end(source: str, start: int, quote: str, depth: int) -> int:
    """Return where a replacement field ends whose brace was just read."""
    position, nesting = start, 0
    while match := _IN_EXPRESSION.match(source, position):
        position = match.end()
        if match[2]:
            if match[1].lower() in _PREFIXES:
                position = _literal_end(source, position, match[1].lower(), match[2], depth + 1)
            else:
                position -= len(match[2])
        elif match[0] in "([{":
            nesting += 1
        elif match[0] in ")]}" and nesting:
            nesting -= 1
        elif match[0] == "}":
            return position
        elif match[0] == ":" and not nesting:
            return _spec_end(source, position, quote, depth)
    raise _ScanError


def _spec_end(source: str, start: int, quote: str, depth: int) -> int:
    position = start
    for _ in range(10_000):
        if position >= len(source) or source.startswith(quote, position):
            raise _ScanError
        char = source[position]
        position += 1
        if char == "}":
            return position
        if char == "{":
            position = _field_end(source, position, quote, depth + 1)
    raise _ScanError
