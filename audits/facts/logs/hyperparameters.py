"""The configuration that a run printed about itself, in both log families."""

from __future__ import annotations

import re

from audits.facts.logs.text import LogLine

ENTRIES = 2_000
HEADER_LINES = 600
_DUMP_TITLE = re.compile(
    r"^(?:hyper-?parameters|config(?:uration)?|args|settings)\s*[:=]?\s*$", re.IGNORECASE
)
_DUMP_ENTRY = re.compile(r"^([A-Za-z_]\w{0,79})\s*[:=]\s?(.{0,400})$")
_PAIR = re.compile(r"^([A-Za-z_]\w{0,79})[:=](\S{1,200})$")
_START_LINE = re.compile(r"^\S{1,60}:\s?(?:start|begin|config)\b", re.IGNORECASE)


def read_hyperparameters(
    lines: list[LogLine], first_step_line: int | None
) -> tuple[tuple[str, str, int], ...]:
    """Return (name, value text, line) of every setting printed; the first statement of a name stands."""
    found: dict[str, tuple[str, str, int]] = {}
    for name, value, number in [*_dumped(lines), *_inline(lines, first_step_line)]:
        if len(found) >= ENTRIES:
            break
        found.setdefault(name, (name, value.strip(), number))
    return tuple(found.values())


def _dumped(lines: list[LogLine]) -> list[tuple[str, str, int]]:
    entries: list[tuple[str, str, int]] = []
    inside = False
    for line in lines:
        if not inside:
            inside = bool(line.text) and _DUMP_TITLE.match(line.text) is not None
            continue
        match = _DUMP_ENTRY.match(line.text)
        if match is None or not line.indented or len(entries) >= ENTRIES:
            # One dump is enough: the second is the other rank's, or another run's.
            if entries:
                break
            inside = False
            continue
        entries.append((match.group(1), match.group(2), line.number))
    return entries


def _inline(lines: list[LogLine], first_step_line: int | None) -> list[tuple[str, str, int]]:
    entries: list[tuple[str, str, int]] = []
    read = 0
    for line in lines:
        header = (first_step_line is None or line.number < first_step_line) and read < HEADER_LINES
        start = _START_LINE.match(line.text) is not None
        if not (header or start) or len(entries) >= ENTRIES:
            continue
        read += 1
        pairs = [_PAIR.match(token) for token in line.text.split(" ", 60) if token]
        named = [pair for pair in pairs if pair]
        if named and (start or len(named) == len(pairs)):
            entries += [(pair.group(1), pair.group(2), line.number) for pair in named]
    return entries
