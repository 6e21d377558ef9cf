"""From bytes of a log to its own lines: decoded, cut to length, prefix and source dump taken off."""

from __future__ import annotations

import hashlib
import itertools
import re
from typing import NamedTuple

from audits.facts.logs.records import SourceDump

LINE_CAP = 4096
LINES = 600_000
"""Real logs stay far below; lines beyond are not read."""
_DELIMITER = re.compile(r"^={80,}\s*$")
_CODE_LINE = re.compile(r"^(?:import |from [\w.]{1,80} import |def |class |exec\(|@\w|if __name__)")
_PREFIX = re.compile(
    r"(?:"
    r"\d{9,11}\.\d{1,9}\s"
    r"|\[[^\]\n]{0,80}\]:?\s?"
    r"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[\d.,]{0,10}Z?\s?"
    r"|(?:\d\d:){2}\d\d\s"
    r"|(?:DEBUG|INFO|WARNING|ERROR)\s?[:|-]\s?"
    r"|[#>]\s"
    r"|\s"
    r")+"
)


class LogLine(NamedTuple):
    """One line of the run itself: its number in the file and its text without prefix."""

    number: int
    text: str
    indented: bool


def decode(data: bytes) -> str:
    """Return the text of a log, whatever the terminal that saved it."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace")
    return data.decode("utf-8-sig", errors="replace")


def split(data: bytes) -> tuple[list[LogLine], SourceDump | None]:
    """Return the lines that the run printed (blank ones left out), and the script dumped before them."""
    text = decode(data)
    raw = text.split("\n", LINES)[:LINES]
    if "\r" in text:
        raw = [_after_return(line) for line in raw]
    raw = [line[:LINE_CAP] for line in raw]
    code = _code_ranges(raw)
    dump = _dump(raw, code)
    inside = {index for start, end in code for index in range(start, end)}
    return [
        _line(index + 1, line)
        for index, line in enumerate(raw)
        if line and index not in inside and not line.isspace()
    ], dump


def _after_return(line: str) -> str:
    # Progress bars overwrite themselves; only what was last on the terminal counts.
    line = line.rstrip("\r")
    return line.rsplit("\r", 1)[1] if "\r" in line else line


def _line(number: int, text: str) -> LogLine:
    match = _PREFIX.match(text) if text[:1] in " \t[#>0123456789" else None
    return LogLine(number, text[match.end() :] if match else text, text[:1] in " \t")


def _code_ranges(raw: list[str]) -> list[tuple[int, int]]:
    marks = [index for index, line in enumerate(raw) if line[:4] == "====" and _DELIMITER.match(line)]
    if not marks:
        return []
    edges = [-1, *marks, len(raw)]
    blocks = [(start + 1, end) for start, end in itertools.pairwise(edges)]
    return [block for block in blocks[:-1] if _is_code(raw[block[0] : block[1]])]


def _is_code(block: list[str]) -> bool:
    hits = sum(1 for line in block if _CODE_LINE.match(line))
    return hits >= 3 or (hits >= 1 and len(block) <= 8)


def _dump(raw: list[str], code: list[tuple[int, int]]) -> SourceDump | None:
    if not code:
        return None
    start, end = code[0][0], code[-1][1]
    text = "\n".join(raw[start:end]).strip().encode("utf-8", errors="replace")
    return SourceDump(hashlib.sha256(text).hexdigest(), len(text), start + 1, end)
