"""Finds the lines of each field with the regular expressions of the challenge file.

A field's trigger (a literal) is looked up in the whole text first, so that the expressions run on the few
lines that can match: time is linear in the size of the log.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import lru_cache
from typing import NamedTuple

from audits.challenge import Challenge
from audits.facts.logs.text import LogLine

MATCHES_PER_FIELD = 50_000


class Field(NamedTuple):
    """One kind of line: what must stand in it, and how to read it."""

    name: str
    trigger: str
    patterns: tuple[re.Pattern[str], ...]


class Hit(NamedTuple):
    """One line that states one field."""

    position: int
    """Index into the lines given."""
    line: LogLine
    groups: tuple[str, ...]


def fields(challenge: Challenge) -> tuple[Field, ...]:
    """Return the compiled log dialect of a challenge."""
    return _compile(challenge.log_dialects, challenge.log_triggers)


@lru_cache(maxsize=8)
def _compile(
    dialects: tuple[tuple[str, tuple[str, ...]], ...], triggers: tuple[tuple[str, str], ...]
) -> tuple[Field, ...]:
    literal = dict(triggers)
    return tuple(
        Field(name, literal.get(name, "").lower(), tuple(re.compile(p, re.IGNORECASE) for p in patterns))
        for name, patterns in dialects
    )


def scan(lines: list[LogLine], dialect: tuple[Field, ...]) -> dict[str, list[Hit]]:
    """Return the hits of every field, in the order of the lines."""
    text = "\n".join(line.text for line in lines).lower()
    starts = _starts(lines, text)
    return {field.name: _hits(field, lines, text, starts) for field in dialect}


def _starts(lines: list[LogLine], text: str) -> list[int]:
    # Lower-casing may change the length of exotic text, so offsets are taken from the lowered text.
    starts, position = [0] if lines else [], text.find("\n")
    while position >= 0:
        starts.append(position + 1)
        position = text.find("\n", position + 1)
    return starts


def _hits(field: Field, lines: list[LogLine], text: str, starts: list[int]) -> list[Hit]:
    hits: list[Hit] = []
    position = text.find(field.trigger) if field.trigger and starts else -1
    while position >= 0 and len(hits) < MATCHES_PER_FIELD:
        index = bisect_right(starts, position) - 1
        groups = _read(field, lines[index].text) if index < len(lines) else None
        if groups is not None:
            hits.append(Hit(index, lines[index], groups))
        if index + 1 >= len(starts):
            break
        position = text.find(field.trigger, starts[index + 1])
    return hits


def _read(field: Field, text: str) -> tuple[str, ...] | None:
    for pattern in field.patterns:
        match = pattern.search(text)
        if match:
            return tuple(group or "" for group in match.groups())
    return None
