"""Show a score on a terminal. Text of others is made harmless; links become hyperlinks where that works."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule as Ruler
from rich.style import Style
from rich.table import Table as RichTable
from rich.text import Text

from harness.report.escape import one_line
from harness.score.blocks import Block, Heading, Items, Line, Link, Paragraph, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import TextIO

    from rich.console import RenderableType

_PAGE_WIDTH = 150
_STYLE = {"yes": "green", "NO": "bold red", "not scored": "dim", "few cases": "dim"}
_LONGEST = 600


def render_text(blocks: Iterable[Block], out: TextIO) -> None:
    """Write the blocks to `out`, coloured when it is a terminal."""
    if out.isatty():
        _write(blocks, Console(file=out, highlight=False))
        return
    page = StringIO()
    _write(blocks, Console(file=page, width=_PAGE_WIDTH, highlight=False, no_color=True))
    out.writelines(line.rstrip() + "\n" for line in page.getvalue().splitlines())


def _write(blocks: Iterable[Block], console: Console) -> None:
    linked = console.is_terminal
    for block in blocks:
        for part in _parts(block, linked):
            console.print(part, soft_wrap=not linked and isinstance(block, Items | Paragraph))


def _parts(block: Block, linked: bool) -> Iterator[RenderableType]:
    """Yield one block as rich shows it."""
    match block:
        case Heading(level, text):
            yield Text()
            yield (
                Ruler(Text(one_line(text), "bold"), align="left", style="dim")
                if level < 3
                else Text(one_line(text), "bold")
            )
        case Paragraph(line):
            yield _text(line, linked)
        case Table():
            yield Padding(_table(block), (0, 0, 1, 0))
        case Items(items):
            for item in items:
                yield _text(item.head, linked)
                for line in item.lines:
                    yield Text("    ").append_text(_text(line, linked))


def _table(block: Table) -> RichTable:
    table = RichTable(box=None, pad_edge=False, header_style="dim")
    for index, name in enumerate(block.columns):
        table.add_column(name, justify="right" if index in block.numeric else "left", overflow="fold")
    for row in block.rows:
        table.add_row(*(_text(cell, linked=True) for cell in row))
    return table


def _text(line: Line, linked: bool) -> Text:
    """Return one line; where links cannot be clicked their address stands behind them."""
    text = Text()
    for part in line:
        if isinstance(part, Link):
            text.append(one_line(part.text, 200), Style(color="cyan", link=part.url))
            if not linked:
                text.append(f" <{part.url}>")
        else:
            text.append(_spaced(part), _STYLE.get(part, ""))
    return text


def _spaced(part: str) -> str:
    """Return `part` on one line with the blanks at its ends kept."""
    before, after = part[:1] == " ", part[-1:] == " "
    return f"{' ' if before else ''}{one_line(part, _LONGEST)}{' ' if after and part.strip() else ''}"
