"""Choices made by comparing validation scores: what the better score lets through, and what becomes of it.

A search over the text. Evaluations are the functions in which a followed score lies; a choice is a condition that
compares the result of one with the best so far, keeps it as the best, and keeps something else along with it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from audits.location import Location
from audits.rules._script_text import arguments, executed, functions
from audits.rules._switches import switched_off

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audits.facts.code import CodeFacts
    from audits.facts.layer import Layer
    from audits.rules._script_text import Function


@dataclass(frozen=True, slots=True)
class Choice:
    """One comparison of validation scores that decides something."""

    place: Location
    kept: str
    """Name of what is kept with the better score."""
    used: Location
    """Where it decides what is scored."""
    weights: bool
    """Whether it decides which weights are loaded; otherwise a value goes into a later evaluation."""


_COMPARED = re.compile(
    r"\s*(?:if|elif)\s+(?:(\w+)\s+is\s+None\s+or\s+)?(\w+)\s*[<>]=?\s*(\w+)\s*(?:and\b.*)?:\s*(.*)"
)
_ASKED = re.compile(
    r"\n[ \t]+(?:el)?if ((?:\w+ is None or )?[A-Za-z_]\w*) ?[<>]=? ?[A-Za-z_]\w*\b[^\n.(\[]*:"
)
_SET = re.compile(r"\s*([\w, ()]+?)\s*(?::[^=\n]{1,60})?=(?!=)\s*(.*)")
_RESULT = re.compile(r"\s*([\w, ()]+?)\s*(?::[^=\n]{1,60})?=(?!=)\s*(?:float\()?(\w+)\(")
_NAME = re.compile(r"[A-Za-z_]\w*")
_WIDTH = 600
_NEAR = 4


def choices(code: CodeFacts) -> tuple[Choice, ...]:
    """Return the choices that the executed code makes by validation score."""
    found: list[Choice] = []
    for layer in executed(code):
        found.extend(_in_layer(layer, (*code.behaviour.scores, *code.behaviour.reports)))
    return tuple(item for item in dict.fromkeys(found) if not switched_off(code, item.place))


@lru_cache(maxsize=4)
def _in_layer(layer: Layer, scored: tuple[Location, ...]) -> tuple[Choice, ...]:
    """Two rules ask for the same choices: those of the last layers are remembered."""
    asked = [layer.source.count("\n", 0, match.start(1)) for match in _ASKED.finditer(layer.source)]
    return tuple(_of(layer, asked, _evaluators(functions(layer), scored))) if asked else ()


def _evaluators(every: tuple[Function, ...], scored: tuple[Location, ...]) -> set[str]:
    return {
        item.name
        for item in every
        for place in scored
        if (place.path, place.layer) == (item.layer.path, item.layer.index)
        and item.start <= place.start_line <= item.end
    }


def _of(layer: Layer, asked: list[int], evaluators: set[str]) -> Iterator[Choice]:
    """Yield the choices at the asked lines (indices). Names stand for themselves in the whole layer."""
    if not any(f"{name}(" in layer.source for name in evaluators):
        return
    lines = [line[:_WIDTH] for line in layer.source.split("\n")]
    called = tuple(f"{name}(" for name in evaluators)
    results = {
        name for line in lines if any(word in line for word in called) for name in _results(line, evaluators)
    }
    for number in asked:
        match = _COMPARED.match(lines[number])
        if match is None or not results & {match.group(2), match.group(3)}:
            continue
        body = _body(lines, number, match.group(4))
        new, best = match.group(2), match.group(3)
        if new not in results:
            new, best = best, new
        kept = [pair.groups() for row in body for part in row.split(";") if (pair := _SET.match(part))]
        if not any(best in _NAME.findall(names) and new in _NAME.findall(value) for names, value in kept):
            continue
        for name in dict.fromkeys(word for names, _ in kept for word in _NAME.findall(names) if word != best):
            use = _use(lines, number, len(body), name, evaluators)
            if use is not None:
                yield Choice(_place(layer, number), name, _place(layer, use[0]), use[1])


def _place(layer: Layer, number: int) -> Location:
    return Location(layer.path, number + 1, number + 1, layer.index)


def _results(line: str, evaluators: set[str]) -> set[str]:
    match = _RESULT.match(line)
    return set(_NAME.findall(match.group(1))) if match and match.group(2) in evaluators else set()


def _body(lines: list[str], number: int, inline: str) -> list[str]:
    if inline.strip():
        return [inline]
    indent = len(lines[number]) - len(lines[number].lstrip())
    body = []
    for line in lines[number + 1 :]:
        if line.strip() and len(line) - len(line.lstrip()) <= indent:
            break
        body.append(line)
    return body


def _use(
    lines: list[str], asked: int, length: int, name: str, evaluators: set[str]
) -> tuple[int, bool] | None:
    """Return the index of the line where a kept name decides something, and whether it decides on weights."""
    condition = re.compile(rf"\s*(?:if|elif)\s+(?:not\s+)?{name}\b")
    for number in (*range(asked + length + 1, len(lines)), *range(asked)):
        line = lines[number]
        if name not in line or name not in _NAME.findall(line):
            continue
        if ".load_state_dict(" in line:
            return number, True
        if condition.match(line) and any(
            ".load_state_dict(" in row for row in lines[number : number + _NEAR]
        ):
            return number, True
        for start in range(max(number - _NEAR, 0), number + 1):
            called = next((item for item in evaluators if f"{item}(" in lines[start]), None)
            if (
                called
                and not lines[start].lstrip().startswith("def ")
                and name in _given(lines, start, called)
            ):
                return number, False
    return None


def _given(lines: list[str], start: int, called: str) -> list[str]:
    text = "\n".join(lines[start : start + 2 * _NEAR])
    return _NAME.findall(arguments(text, text.index(f"{called}(") + len(called) + 1))
