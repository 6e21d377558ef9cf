"""Write a score as markdown. Text of others stays text: no mention, link, HTML or broken table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.report.escape import markdown as escaped
from harness.score.blocks import Block, Heading, Items, Line, Link, Paragraph, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def render_markdown(title: str, blocks: Iterable[Block]) -> str:
    """Return a page: the title, then the blocks."""
    parts = [f"# {escaped(title)}", *(part for block in blocks for part in _parts(block))]
    return "\n\n".join(parts) + "\n"


def _parts(block: Block) -> Iterator[str]:
    """Yield one block as markdown."""
    match block:
        case Heading(level, text):
            yield f"{'#' * level} {escaped(text)}"
        case Paragraph(line):
            yield _line(line, starts=True)
        case Table(columns, rows, numeric):
            rule = ["--:" if index in numeric else "---" for index in range(len(columns))]
            head = ["| " + " | ".join(escaped(name) for name in columns) + " |", f"| {' | '.join(rule)} |"]
            yield "\n".join(head + ["| " + " | ".join(_line(cell) for cell in row) + " |" for row in rows])
        case Items(items):
            if items:
                yield "\n".join(_item(item.head, item.lines) for item in items)


def _item(head: Line, lines: tuple[Line, ...]) -> str:
    return "\n".join(
        [f"- {_line(head, starts=True)}", *(f"  - {_line(line, starts=True)}" for line in lines)]
    )


def _line(line: Line, *, starts: bool = False) -> str:
    """Return one line with its links."""
    found = []
    for index, part in enumerate(line):
        if isinstance(part, Link):
            found.append(f"[{_label(part.text)}]({part.url})")
        else:
            blank = " " if part[:1] == " " else "", " " if part[-1:] == " " and part.strip() else ""
            found.append(blank[0] + escaped(part, starts_line=starts and not index) + blank[1])
    return "".join(found).strip()


def _label(text: str) -> str:
    """Return the words of a link; `#12` needs no guard against being linked once more inside one."""
    return text if text[:1] == "#" and text[1:].isdigit() else escaped(text, 200)
