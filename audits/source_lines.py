"""Quote lines of a submission from the layer in which they were seen.

Promises bounded output: whatever a line holds, a quoted line is short; control characters are the
renderer's to escape. Line numbers are those of `ast`: only LF, CR LF and CR end a line.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from audits.location import Location
    from audits.runner import AuditResult

LINE_CHARS = 160
_NEWLINE = re.compile("\r\n|\r|\n")


class SourceLines:
    """The readable texts of one audit, split into lines once each."""

    def __init__(self, result: AuditResult) -> None:
        """Index the layers; texts are split when first quoted."""
        self._submission = result.submission
        layers = result.facts.code.layers if result.facts else ()
        self._layers = {(layer.path, layer.index): layer for layer in layers}
        self._lines: dict[tuple[str, int], list[str]] = {}

    def excerpt(self, where: Location, limit: int) -> tuple[str, ...]:
        """Return at most `limit` of the lines that `where` names, each cut to a readable length."""
        lines = self._split(where.path, where.layer)
        last = min(where.end_line, where.start_line + limit - 1)
        return tuple(shorten(line) for line in lines[max(where.start_line, 1) - 1 : max(last, 0)])

    def annotated_line(self, where: Location) -> int:
        """Return the line of the committed file that stands for `where`."""
        layer = self._layers.get((where.path, where.layer))
        return layer.wrapper_line if layer and where.layer else max(where.start_line, 1)

    def _split(self, path: str, layer: int) -> list[str]:
        """Return the lines of one layer, or of a file that is no code."""
        key = (path, layer)
        if key not in self._lines:
            self._lines[key] = _NEWLINE.split(self._text(path, layer))
        return self._lines[key]

    def _text(self, path: str, layer: int) -> str:
        """Return the text of one layer; a file that is no code is decoded leniently."""
        known = self._layers.get((path, layer))
        if known is not None:
            return known.source
        file = self._submission.file(path) if layer == 0 else None
        return file.data.decode("utf-8", errors="replace") if file else ""


def shorten(line: str) -> str:
    """Return `line` without trailing space, cut to a readable length."""
    line = line[: LINE_CHARS * 8].expandtabs(4).rstrip()
    return line if len(line) <= LINE_CHARS else line[: LINE_CHARS - 1] + "…"
