"""The tables of a comment: limits, claims and runs. Claim, log and count never share a cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.report.escape import inline_code, markdown
from harness.report.links import file_url, linked
from harness.report.markdown_block import Block, Rank, details

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.report.markdown import Options
    from harness.report.view_model import FolderModel, JudgedModel, RowModel


def tables(folder: FolderModel, options: Options) -> Iterator[Block]:
    """Yield the table of limits, the table of claims and the statistics."""
    limits = [row for row in folder.claims if _is_limit(row)]
    others = [row for row in folder.claims if not _is_limit(row)]
    if limits:
        head = ["| | Cap | Claimed | Logs state | Measured here |", "|" + " --- |" * 5]
        rows = [_line(row, folder.judged, options, markdown(row.limit, 40)) for row in limits]
        yield Block(Rank.TABLE, "### Limits")
        yield Block(Rank.TABLE, "\n".join(head + rows))
    if others or folder.statistics:
        yield Block(Rank.TABLE, "### Claims")
    if others:
        head = ["| | Claimed | Logs state | Measured here |", "|" + " --- |" * 4]
        rows = [_line(row, folder.judged, options) for row in others]
        yield Block(Rank.TABLE, "\n".join(head + rows))
    if folder.statistics:
        yield Block(Rank.TABLE, markdown(folder.statistics, starts_line=True))


def runs_table(folder: FolderModel) -> Iterator[Block]:
    """Yield what the logs state about each run, folded."""
    if not folder.runs:
        return
    lines = ["| Log | Seed | val_bpb | Training s | Evaluation s | Artifact bytes |", "|" + " --- |" * 6]
    for path, *cells in folder.runs:
        shown = " | ".join(markdown(cell, 40) for cell in cells)
        lines.append(f"| {inline_code(path, in_table=True, limit=80)} | {shown} |")
    if folder.more_runs:
        lines.append(f"| … {folder.more_runs} more | | | | | |")
    yield Block(Rank.EXTRA, details("Runs, as their logs state them", "\n".join(lines)))


def _is_limit(row: RowModel) -> bool:
    """Tell whether a row is about something that the challenge caps."""
    return bool(row.limit) or row.quantity.startswith("artifact bytes")


def _line(row: RowModel, judged: JudgedModel, options: Options, *limit: str) -> str:
    """Return one row; the cap stands second where there is a column for it."""
    cells = (
        markdown(row.quantity, 80),
        *limit,
        _cell(row.claimed, row.claimed_at, judged, options),
        _cell(row.logged, row.logged_at, judged, options),
        markdown(row.measured, 120),
    )
    return f"| {' | '.join(cells)} |"


def _cell(value: str, place: str, judged: JudgedModel, options: Options) -> str:
    """Return a value with the place it was read from."""
    if not value:
        return ""
    shown = markdown(value, 80)
    if not place:
        return shown
    path, _, line = place.rpartition(":")
    at = file_url(judged, options, path, int(line)) if path and line.isdecimal() and len(line) < 9 else ""
    return f"{shown} ({linked(place, at, in_table=True, limit=80)})"
