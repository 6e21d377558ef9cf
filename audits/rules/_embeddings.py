"""Learned embeddings of hashed token ids: ordinary model parts that are often taken for a cache of counts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from audits.location import Location
from audits.outcome import Evidence, Severity, Status
from audits.rules._script_text import calls
from audits.rules._switches import switched_off

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audits.facts.code import CodeFacts
    from audits.facts.layer import Layer

PATTERN = "ngram-embedding-only"
_CLASS = re.compile(r"(\s*)class\s+(\w+)\s*\([^()]*Module[^()]*\)\s*:")
_EMBEDDING = re.compile(r"\b[Ee]mbedding\(")
_HASH = re.compile(r"bitwise_xor|[\w)\]]\s*\^\s*[\w(]|\*[^%]*[)\]]\s*%\s*[\w(]|remainder\(")
_SIGNS = ("^", "%", "bitwise_xor", "remainder")
"""No hash without one of them; they are found many times faster than the pattern."""
_WIDTH = 400


def hashed_embeddings(code: CodeFacts) -> tuple[Evidence, ...]:
    """Return where a module of the scored path hashes token ids into a learned embedding; at most three."""
    found = [
        place
        for layer in code.layers
        if layer.executed and layer.language == "python"
        for place in _of(layer, code)
    ]
    return tuple(found[:3])


def _of(layer: Layer, code: CodeFacts) -> Iterator[Evidence]:
    if "mbedding(" not in layer.source or "class" not in layer.source:
        return
    for name, line, body in _modules(layer.source):
        if "mbedding(" not in body or not any(sign in body for sign in _SIGNS):
            continue
        if _EMBEDDING.search(body) and any(_HASH.search(text) for text in _plain_rows(body)):
            says = f"{name} hashes token ids into a learned embedding, an ordinary part of the model"
            place = Location(layer.path, line, line, layer.index)
            made = [
                Location(layer.path, at, at, layer.index) for at, _ in calls(layer.source, name) if at != line
            ]
            if made and all(switched_off(code, where) for where in made) or _idle(layer.source, name):
                continue
            yield Evidence(place, says, Status.CLEAN, Severity.NOTE, 0.9, PATTERN)


def _idle(source: str, name: str) -> bool:
    """Return True when the objects of a class are attributes that no forward pass calls (#632)."""
    holders = re.findall(rf"\.(\w+)[ \t]*=[ \t]*{name}\(", source)
    return bool(holders) and not any(re.search(rf"\.{holder}[(\[)]", source) for holder in holders)


def _modules(source: str) -> Iterator[tuple[str, int, str]]:
    """Yield (name, line, body) of every class that derives from a module."""
    lines = source.split("\n")
    for number, line in enumerate(lines):
        match = _CLASS.match(line[:_WIDTH]) if "class" in line else None
        if match is None:
            continue
        indent = len(match.group(1))
        end = number + 1
        while end < len(lines) and (not lines[end].strip() or _indent(lines[end]) > indent):
            end += 1
        yield match.group(2), number + 1, "\n".join(lines[number:end])


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _plain_rows(body: str) -> Iterator[str]:
    """Yield the lines without texts: a percent sign in a string is no hash. A closing bracket goes with its lines."""
    rows = [row[:_WIDTH] for row in body.split("\n")]
    for number, row in enumerate(rows):
        if '"' in row or "'" in row or row.lstrip().startswith("#"):
            continue
        yield "".join(rows[max(number - 2, 0) : number + 1]) if row.lstrip().startswith(")") else row
