"""Learned embeddings of hashed token ids: ordinary model parts that are often taken for a cache of counts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from audits.location import Location
from audits.outcome import Evidence, Severity, Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audits.facts.code import CodeFacts
    from audits.facts.layer import Layer

PATTERN = "ngram-embedding-only"
_CLASS = re.compile(r"(\s*)class\s+(\w+)\s*\([^()]*Module[^()]*\)\s*:")
_EMBEDDING = re.compile(r"\b[Ee]mbedding\(")
_HASH = re.compile(r"bitwise_xor|[\w)\]]\s*\^\s*[\w(]|\*[^%]*[)\]]\s*%\s*[\w(]|remainder\(")
_WIDTH = 400


def hashed_embeddings(code: CodeFacts) -> tuple[Evidence, ...]:
    """Return where a module of the scored path hashes token ids into a learned embedding; at most three."""
    found = [
        place
        for layer in code.layers
        if layer.executed and layer.language == "python"
        for place in _of(layer)
    ]
    return tuple(found[:3])


def _of(layer: Layer) -> Iterator[Evidence]:
    if not _EMBEDDING.search(layer.source) or "class" not in layer.source:
        return
    for name, line, body in _modules(layer.source):
        if _EMBEDDING.search(body) and any(
            _HASH.search(row[:_WIDTH]) for row in body.split("\n") if _plain(row)
        ):
            says = f"{name} hashes token ids into a learned embedding, an ordinary part of the model"
            place = Location(layer.path, line, line, layer.index)
            yield Evidence(place, says, Status.CLEAN, Severity.NOTE, 0.9, PATTERN)


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


def _plain(line: str) -> bool:
    """Return False for lines of text: a percent sign in a string or comment is no hash."""
    return '"' not in line and "'" not in line and not line.lstrip().startswith("#")
