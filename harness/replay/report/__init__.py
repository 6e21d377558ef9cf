"""Render a replay from its directory alone: markdown, HTML and JSON, the same bytes every time."""

from harness.replay.report.render import FORMATS, render, write_reports

__all__ = ["FORMATS", "render", "write_reports"]
