"""Whether an artifact is written after a line: what tells learning before quantisation from learning at evaluation.

A search over the text of the script. It chooses the name of a breach and decides nothing else.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from audits.facts.code import CodeFacts
    from audits.location import Location

_EXPORT = re.compile(r"compress\(|torch\.save\(|pickle\.dump|np\.savez?\(|gptq|quanti[sz]e", re.IGNORECASE)
_RESTORE = re.compile(r"dequanti[sz]e|decompress", re.IGNORECASE)
_TEXT = re.compile(r"\"[^\"]*\"|'[^']*'")
_WIDTH = 2_000
_CALLS_CAP = 6
_DEPTH_CAP = 3


def exported_after(code: CodeFacts, location: Location, function: str) -> bool:
    """Return True when the weights are quantised or written after the learning at a line, in its caller's text."""
    layer = next(
        (item for item in code.layers if (item.path, item.index) == (location.path, location.layer)), None
    )
    if layer is None:
        return False
    lines = layer.source.split("\n")
    return _follows(lines, location.start_line, 0) or _called(lines, function, 1)


def _called(lines: list[str], function: str, depth: int) -> bool:
    if depth > _DEPTH_CAP or not function.isidentifier():
        return False
    call = re.compile(rf"(?<!def )\b{function}\(")
    places = [number for number, line in enumerate(lines, 1) if function in line and call.search(line)]
    return any(_follows(lines, number, depth) for number in places[:_CALLS_CAP])


def _follows(lines: list[str], number: int, depth: int) -> bool:
    """Return True when the rest of the enclosing function, or of its caller, exports the weights."""
    start = _definition(lines, number)
    indent = _indent(lines[start - 1]) if start else -1
    for line in lines[number:]:
        if (
            start
            and line.strip()
            and _indent(line) <= indent
            and not line.lstrip().startswith((")", "]", "#"))
        ):
            break
        said = _TEXT.sub("", line[:_WIDTH])
        if _EXPORT.search(said) and not _RESTORE.search(said) and not said.lstrip().startswith(("#", "def ")):
            return True
    if not start:
        return False
    name = lines[start - 1].lstrip().removeprefix("async ").removeprefix("def ").partition("(")[0].strip()
    return _called(lines, name, depth + 1)


def _definition(lines: list[str], number: int) -> int:
    """Return the line of the function that encloses a line, 0 at module level."""
    indent = _indent(lines[number - 1]) if 0 < number <= len(lines) else 0
    for place in range(min(number - 1, len(lines)), 0, -1):
        line = lines[place - 1]
        if line.strip() and not line.lstrip().startswith((")", "]", "}")) and _indent(line) < indent:
            indent = _indent(line)
            if line.lstrip().startswith(("def ", "async def ")):
                return place
    return 0


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
