"""A README as the paragraphs and list items that a reader sees, each with what stands above it.

Promises lines with their numbers, in order. Leaves out fences, tables, headings and comments: what they hold
is no sentence. It is no Markdown parser: emphasis, links and code spans stay in the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_LINE = 4000
MAX_ABOVE = 400
"""Characters of each heading, parent item or introduction."""
MAX_DEPTH = 12
_ITEM = re.compile(r"\s{0,80}(?:[-*+]|\d{1,3}[.)])\s+")
_HEADING = re.compile(r"#{1,6}\s|\*\*[^*]{1,200}\*\*:?\Z|\*\*[^*]{1,200}:\*\*\Z")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One paragraph or one list item."""

    lines: tuple[tuple[int, str], ...]
    """Number, from 1, and text of each line."""
    above: tuple[str, ...]
    """Headings but the title, the paragraph that introduces a list, the items it belongs to."""
    group: int
    """Alike for a paragraph and the list that follows it."""

    @property
    def text(self) -> str:
        """Return the lines as one."""
        return " ".join(line.strip(" \t>") for _, line in self.lines)


@dataclass(slots=True)
class _Reader:
    """Where the reading stands."""

    headings: list[tuple[int, str]] = field(default_factory=list)
    parents: list[tuple[int, str]] = field(default_factory=list)
    """Indentation and text; the introducing paragraph has -1."""
    lines: list[tuple[int, str]] = field(default_factory=list)
    titled: bool = False
    group: int = 0

    def heading(self, line: str) -> None:
        """Open a section; a first heading of the first level is the title and judges no setting."""
        # A line in bold heads what follows it, below every heading.
        level = len(line) - len(line.lstrip("#")) or MAX_DEPTH
        self.headings = [entry for entry in self.headings if entry[0] < level][:MAX_DEPTH]
        if self.titled or level > 1:
            self.headings.append((level, line.strip("#* ")[:MAX_ABOVE]))
        self.titled, self.parents, self.group = True, [], self.group + 1

    def flush(self) -> Iterator[Paragraph]:
        """Yield what was read since the last break."""
        if not self.lines:
            return
        first = self.lines[0][1]
        depth = len(first) - len(first.lstrip())
        if not depth and _ITEM.match(first) is None:
            depth, self.group = -1, self.group + 1
        self.parents = [entry for entry in self.parents if entry[0] < depth][:MAX_DEPTH]
        above = (*(text for _, text in self.headings), *(text for _, text in self.parents))
        found = Paragraph(tuple(self.lines), above, self.group)
        self.parents.append((depth, found.text[-MAX_ABOVE:]))
        self.lines = []
        yield found


def paragraphs(text: str) -> Iterator[Paragraph]:
    """Yield the paragraphs and list items in order."""
    reader, fence = _Reader(), ""
    visible = _COMMENT.sub(lambda match: "\n" * match[0].count("\n"), text)
    for number, whole in enumerate(visible.split("\n"), 1):
        line = whole[:MAX_LINE].rstrip()
        stripped = line.lstrip(" \t>")
        mark = stripped[:3] if stripped.startswith(("```", "~~~")) else ""
        if mark or fence:
            yield from reader.flush()
            fence = fence or mark if mark != fence else ""
        elif _HEADING.match(stripped):
            yield from reader.flush()
            reader.heading(stripped)
        elif not stripped or stripped.startswith(("|", "<t")) or " | " in stripped:
            yield from reader.flush()
        else:
            if _ITEM.match(line):
                yield from reader.flush()
            reader.lines.append((number, line))
    yield from reader.flush()
