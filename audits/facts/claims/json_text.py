"""Reads hostile JSON text: size and depth are checked before any parser recurses; keys keep their lines."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from audits.facts.claims.records import JsonProblem

DEPTH_CAP = 200
SIZE_CAP = 1_000_000
# The closing quote is optional so that a hostile unclosed string is consumed once, not once a quote.
_TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*"?|[{}\[\],:]|\n')


@dataclass(frozen=True, slots=True)
class JsonText:
    """A parsed document with the line of every value."""

    value: Any
    lines: dict[tuple[str, ...], int]
    """Path of keys and indexes to line."""
    problems: tuple[JsonProblem, ...]


def read_json(data: bytes) -> JsonText:
    """Return the document, or why it cannot be read."""
    problems: list[JsonProblem] = []
    text = _decode(data, problems)
    if text is None:
        return JsonText(None, {}, tuple(problems))
    if not text.strip():
        return JsonText(None, {}, (*problems, JsonProblem("empty", "the file is empty")))
    lines, depth, deep_line = _walk(text, problems)
    if depth > DEPTH_CAP:
        message = f"nested {depth} levels deep; {DEPTH_CAP} are read"
        return JsonText(None, lines, (*problems, JsonProblem("too-deep", message, deep_line)))
    return JsonText(_parse(text, problems), lines, tuple(problems))


def _decode(data: bytes, problems: list[JsonProblem]) -> str | None:
    if len(data) > SIZE_CAP:
        problems.append(JsonProblem("syntax", f"{len(data)} bytes are too many for a submission.json"))
        return None
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        problems.append(JsonProblem("bom", "the file is UTF-16; JSON is UTF-8"))
        return data.decode("utf-16", errors="replace")
    if data[:3] == b"\xef\xbb\xbf":
        problems.append(JsonProblem("bom", "the file starts with a byte order mark"))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problems.append(JsonProblem("encoding", f"not UTF-8 at byte {error.start}"))
        return None


def _parse(text: str, problems: list[JsonProblem]) -> Any:
    def constant(name: str) -> float:
        problems.append(JsonProblem("not-a-number", f"{name} is no JSON number", _line_of(text, name)))
        return float(name.replace("Infinity", "inf"))

    try:
        return json.loads(text, parse_constant=constant)
    except json.JSONDecodeError as error:
        problems.append(JsonProblem("syntax", error.msg, error.lineno))
    except (ValueError, RecursionError) as error:
        problems.append(JsonProblem("syntax", str(error)[:120]))
    return None


def _line_of(text: str, needle: str) -> int:
    position = text.find(needle)
    return text.count("\n", 0, position) + 1 if position >= 0 else 1


def _walk(text: str, problems: list[JsonProblem]) -> tuple[dict[tuple[str, ...], int], int, int]:
    """Return the line of every keyed value, the deepest nesting and its line; note duplicate keys."""
    lines: dict[tuple[str, ...], int] = {}
    stack: list[list[str | int]] = []
    line, deepest, deep_line, pending = 1, 0, 1, ""
    for match in _TOKEN.finditer(text):
        token = match.group()
        if token == "\n":
            line += 1
        elif token in "{[":
            stack.append(["", 0] if token == "{" else ["0", 1])
            if len(stack) > deepest:
                deepest, deep_line = len(stack), line
        elif token in "}]":
            if stack:
                stack.pop()
        elif token == "," and stack:
            if stack[-1][1]:
                stack[-1][0] = str(int(stack[-1][0]) + 1)
        elif token == ":" and stack and not stack[-1][1] and deepest <= DEPTH_CAP:
            stack[-1][0] = pending
            path = tuple(str(level[0]) for level in stack)
            if path in lines:
                problems.append(JsonProblem("duplicate-key", f"{'.'.join(path)} is given twice", line))
            lines[path] = line
        elif token[0] == '"':
            pending = token[1:-1]
    return lines, deepest, deep_line
