"""Tells an entry's own score in its README from gains, spreads, settings and the scores of others.

Promises nothing about truth: a number that passes may be wrong, but it is put forward as a val_bpb. What
passes stands right beside the word bpb, or in a cell of a table that the heading or the row calls bpb; no
other pull request is named in front of it, and a number as small as a gain is introduced as a score.
"""

from __future__ import annotations

import re

ORDINARY = 0.3
"""Below it a number is a score only where the word bpb and a colon precede it: most are gains."""
_WORD = r"bpb(?![a-z])"
_BEFORE = re.compile(_WORD + r"(?:[^\d\n|;,]|\d-?seeds?\b){0,40}$", re.IGNORECASE)
_RIGHT_BEFORE = re.compile(_WORD + r"[\s*`_:=|(]{1,8}$", re.IGNORECASE)
_AFTER = re.compile(
    r"[\s*`_(\[]{0,4}(?:[a-z-]{1,16}\s)?(?:val[_ -]?)?" + _WORD + r"(?![*`_ ]{0,3}[:=])", re.IGNORECASE
)
_CHANGE = re.compile(
    r"(?:\bby|gaps?|gains?|cost|improv\w{1,8}|delta|\bstd(?:dev)?|Δ|σ|±)[^\d\n|]{0,24}$", re.IGNORECASE
)
_BOUND = re.compile(r"[<>±]\s?[*`]{0,3}$")
_OTHERS = re.compile(
    r"(?:\bPR\s*#?|pull/|#)\d{2,5}\b[^.\n|]{0,120}$|\b(?:baseline|sota)\b[\s:(*`=]{0,6}(?:val_?)?(?:bpb)?[\s:(*`=]{0,6}$",
    re.IGNORECASE,
)
_NOT_A_SCORE = re.compile(
    r"Δ|delta|gain|gap|\bvs\b|\bstd\b|±|improv|impact|effect|change|cost", re.IGNORECASE
)


class Table:
    """The columns in bpb of the table that a line belongs to."""

    def __init__(self) -> None:
        self._columns: set[int] | None = None

    def cells(self, line: str) -> list[tuple[int, int]]:
        """Return the spans of a line's cells that hold scores; learns the heading from the first line."""
        if not line.lstrip().startswith("|"):
            self._columns = None
            return []
        spans = [(match.start(), match.end()) for match in re.finditer(r"[^|]+", line)]
        texts = [line[start:end] for start, end in spans]
        if self._columns is None:
            self._columns = {n for n, text in enumerate(texts) if _is_score(text)}
            return []
        if texts and _is_score(texts[0]):
            return spans[1:]
        return [span for n, span in enumerate(spans) if n in self._columns]


def _is_score(cell: str) -> bool:
    """Return whether a heading speaks of a score in bpb, and not of a change in it."""
    return bool(re.search(_WORD, cell, re.IGNORECASE)) and not _NOT_A_SCORE.search(cell)


def states_score(line: str, start: int, end: int, cells: list[tuple[int, int]]) -> bool:
    """Return whether the number at `start` to `end` of a line is put forward as the entry's own score."""
    before, after, value = line[max(0, start - 160) : start], line[end : end + 60], float(line[start:end])
    if value < ORDINARY:
        return bool(_RIGHT_BEFORE.search(before)) and not _CHANGE.search(before)
    if _BOUND.search(before) or _OTHERS.search(before):
        return False
    in_cell = any(first <= start < last for first, last in cells)
    return in_cell or bool(_BEFORE.search(before) or _AFTER.match(after))
