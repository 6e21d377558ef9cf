"""Render the view of a replay in each format. Text of the submission is escaped in every one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness.replay.keep import read_measurement, read_plan, read_record
from harness.replay.report.view import view
from harness.report.escape import markdown, one_line

if TYPE_CHECKING:
    from harness.replay.report.view import Table, View
    from harness.rundir import ReplayDir

FORMATS: Final = ("md", "html", "json")


def write_reports(directory: ReplayDir) -> None:
    """Write every format into the directory."""
    for format_ in FORMATS:
        directory.report(format_).write_text(render(directory, format_), encoding="utf-8")


def render(directory: ReplayDir, format_: str) -> str:
    """Return the report of a replay in one format, from the directory alone."""
    from harness.replay.compare import Comparison

    plan, measurement = read_plan(directory), read_measurement(directory)
    comparison = read_record(directory.comparison, Comparison)
    if format_ == "json":
        from harness.replay.report.document import to_json

        return to_json(plan, measurement, comparison)
    shown = view(plan, measurement, comparison)
    if format_ == "html":
        from harness.replay.report.html import html

        return html(shown, directory, plan, measurement)
    return _markdown(shown)


def _markdown(shown: View) -> str:
    """Return the report for a person."""
    lines = [f"# Replay: {shown.verdict}", "", markdown(shown.why), ""]
    lines += [f"- **{name}**: {markdown(value)}" for name, value in shown.facts]
    if shown.warnings:
        lines += ["", "## What to know", "", *(f"- {markdown(text)}" for text in shown.warnings)]
    for table in shown.tables:
        lines += ["", *_table(table)]
    return "\n".join(lines) + "\n"


def _table(table: Table) -> list[str]:
    """Return one table."""
    lines = [f"## {one_line(table.title)}", ""]
    if table.rows:
        lines += [f"| {' | '.join(table.headings)} |", f"|{' --- |' * len(table.headings)}"]
        lines += [f"| {' | '.join(markdown(cell, 300) for cell in row)} |" for row in table.rows]
    else:
        lines.append("None.")
    if table.note:
        lines += ["", markdown(table.note)]
    return lines
