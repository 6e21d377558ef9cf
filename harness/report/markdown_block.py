"""One block of a comment, and what is left out first when a comment grows too long."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Rank(IntEnum):
    """What is left out first: the highest."""

    ESSENTIAL = 0
    IMPORTANT = 1
    TABLE = 2
    PLACE = 3
    EXTRA = 4
    MACHINE = 5


@dataclass(frozen=True, slots=True)
class Block:
    """One paragraph, table or folded section. It is never cut in two."""

    rank: Rank
    text: str


def details(summary: str, body: str) -> str:
    """Return a folded section."""
    return f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>"
