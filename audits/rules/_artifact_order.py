"""Whether an artifact is written after a line: what tells learning before quantisation from learning at evaluation.

A search over the text of the script. It chooses the name of a breach and decides nothing else.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from audits.rules._script_text import functions

if TYPE_CHECKING:
    from audits.facts.code import CodeFacts
    from audits.facts.layer import Layer
    from audits.location import Location

_EXPORT = re.compile(r"compress\(|torch\.save\(|pickle\.dump|np\.savez?\(|gptq|quanti[sz]e", re.IGNORECASE)
_EXPORT_WORDS = ("compress(", "torch.save(", "pickle.dump", "np.save", "gptq", "quanti")
"""What of an export is found many times faster than its pattern, in lower case."""
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
    text = _Text(layer)
    return text.follows(location.start_line, 0) or text.called(function, 1)


class _Text:
    """The lines of a layer, with the functions that export weights."""

    def __init__(self, layer: Layer) -> None:
        self.lines = layer.source.split("\n")
        self.exporters = {
            item.name
            for item in functions(layer)
            if any(_exports(line) for line in item.text.split("\n")[1:])
        }

    def called(self, function: str, depth: int) -> bool:
        """Return True when an export follows some call of a function."""
        if depth > _DEPTH_CAP or not function.isidentifier():
            return False
        call = re.compile(rf"(?<!def )\b{function}\(")
        places = [
            number for number, line in enumerate(self.lines, 1) if function in line and call.search(line)
        ]
        return any(self.follows(number, depth) for number in places[:_CALLS_CAP])

    def follows(self, number: int, depth: int) -> bool:
        """Return True when the rest of the enclosing function, or of its caller, exports the weights."""
        start = _definition(self.lines, number)
        indent = _indent(self.lines[start - 1]) if start else -1
        for line in self.lines[number:]:
            if (
                start
                and line.strip()
                and _indent(line) <= indent
                and not line.lstrip().startswith((")", "]", "#"))
            ):
                break
            if _exports(line) or any(f"{name}(" in line for name in self.exporters):
                return True
        if not start:
            return False
        name = (
            self.lines[start - 1]
            .lstrip()
            .removeprefix("async ")
            .removeprefix("def ")
            .partition("(")[0]
            .strip()
        )
        return self.called(name, depth + 1)


def _exports(line: str) -> bool:
    """Return True for a line that quantises, compresses or saves; words in a string do not count."""
    if line.isascii() and not any(word in line.lower() for word in _EXPORT_WORDS):
        return False
    if not _EXPORT.search(line[:_WIDTH]):
        return False
    said = _TEXT.sub("", line[:_WIDTH])
    quiet = said.lstrip().startswith(("#", "def "))
    return not quiet and bool(_EXPORT.search(said)) and not _RESTORE.search(said)


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
