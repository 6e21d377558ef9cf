"""The text of the executed scripts, cut into functions and calls without parsing all of it.

A script may have 90 KB; parsing it again for every structural rule would cost more than judging it.
Rules search the text first and parse the few functions that matter.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING

from audits.location import Location

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audits.facts.code import CodeFacts
    from audits.facts.layer import Layer

CALL_CAP = 2_000
_DEFINITION = re.compile(r"([ \t]*)(?:async[ \t]+)?def[ \t]+(\w+)[ \t]*\(")
_ONE_LINE = re.compile(r"[^:\n]{0,200}:[ \t]*[^\s#]")
_BREAK = re.compile(r"\"[^\"\n]*\"|'[^'\n]*'|#|;")
_HEAD = re.compile(r"[ \t]*(?:class[ \t]+\w+(?:\([^()]*\))?|else|try|finally)[ \t]*:(?=[ \t]*[^\s#])")


@dataclass(frozen=True, slots=True)
class Function:
    """One function by its lines; line numbers count from 1."""

    layer: Layer
    name: str
    start: int
    end: int
    indent: int

    begin: int
    """Where its text begins in the source of the layer."""
    finish: int

    @property
    def text(self) -> str:
        """Return the lines of the function."""
        return self.layer.source[self.begin : self.finish]

    def place(self, line: int) -> Location:
        """Return where a line of the layer is."""
        return Location(self.layer.path, line, line, self.layer.index)


def executed(code: CodeFacts) -> tuple[Layer, ...]:
    """Return the Python texts that the scored path runs: the main script's innermost layer and what it imports."""
    main = code.main
    return tuple(
        layer
        for layer in code.layers
        if layer.language == "python" and (layer is main or layer.module is not None and layer.executed)
    )


@lru_cache(maxsize=4)
def functions(layer: Layer) -> tuple[Function, ...]:
    """Return all functions of a layer, nested ones included, outermost first."""
    lines = layer.source.split("\n")
    begins = list(accumulate((len(line) + 1 for line in lines), initial=0))
    indents = [_indent(line) for line in lines]
    found = []
    for number, line in enumerate(lines):
        match = _DEFINITION.match(line) if "def" in line else None
        if match is None:
            continue
        indent = len(match.group(1))
        end = _end(lines, indents, number, indent)
        found.append(
            Function(layer, match.group(2), number + 1, end, indent, begins[number], begins[end] - 1)
        )
    return tuple(found)


def _indent(line: str) -> int:
    """Return how far a line is indented, -1 for a blank one."""
    rest = line.lstrip()
    return len(line) - len(rest) if rest else -1


def _end(lines: list[str], indents: list[int], start: int, indent: int) -> int:
    """Return the number of the last line of the block that a definition at index `start` opens."""
    if _on_one_line(lines[start]):
        return start + 1
    header = start
    while header < len(lines) - 1 and header - start < 60 and not lines[header].rstrip().endswith(":"):
        header += 1
    last = header + 1
    for number in range(header + 1, len(lines)):
        found = indents[number]
        if found < 0:
            continue
        if found <= indent and not lines[number].lstrip().startswith((")", "]", "}", "#")):
            break
        last = number + 1
    return last


def _on_one_line(line: str) -> bool:
    """Return True for a definition whose body follows on its own line."""
    if line.rstrip().endswith(":"):
        return False
    opened = line.find("(") + 1
    closed = opened + len(arguments(line, opened))
    return bool(_ONE_LINE.match(line[closed + 1 :]))


def statements(line: str) -> list[str]:
    """Return the statements of a line, cut at semicolons and after the head of a class, each with its indent."""
    head = _HEAD.match(line) if ":" in line else None
    parts, start = ([line[: head.end()]], head.end()) if head else ([], 0)
    indent = line[: len(line) - len(line.lstrip())]
    for match in _BREAK.finditer(line, start) if ";" in line else ():
        if match.group() == "#":
            break
        if match.group() == ";":
            parts.append(line[start : match.start()])
            start = match.end()
    parts.append(line[start:])
    return [part if part[:1].isspace() or number == 0 else indent + part for number, part in enumerate(parts)]


def calls(source: str, name: str) -> Iterator[tuple[int, str]]:
    """Yield (line, text of the arguments) of every call of `name`."""
    word = f"{name}("
    place = source.find(word)
    while place >= 0:
        before = source[max(place - 4, 0) : place]
        if not before.endswith("def ") and not (
            before[-1:].isidentifier() or before[-1:].isdigit() or before[-1:] == "."
        ):
            yield source.count("\n", 0, place) + 1, arguments(source, place + len(word))
        place = source.find(word, place + len(word))


def arguments(source: str, start: int) -> str:
    """Return the text from `start` to the bracket that closes it, cut where it grows too long."""
    depth = 1
    for position in range(start, min(start + CALL_CAP, len(source))):
        symbol = source[position]
        if symbol in "([{":
            depth += 1
        elif symbol in ")]}":
            depth -= 1
            if not depth:
                return source[start:position]
    return source[start : start + CALL_CAP]


def enclosing(found: tuple[Function, ...], line: int) -> Function | None:
    """Return the innermost function that holds a line."""
    inside = [item for item in found if item.start <= line <= item.end]
    return max(inside, key=lambda item: item.start) if inside else None


def split_arguments(text: str) -> list[str]:
    """Return the arguments of a call, cut at the commas that no bracket holds."""
    parts, depth, start = [], 0, 0
    for position, symbol in enumerate(text):
        if symbol in "([{":
            depth += 1
        elif symbol in ")]}":
            depth -= 1
        elif symbol == "," and not depth:
            parts.append(text[start:position].strip())
            start = position + 1
    return [*parts, text[start:].strip()]
