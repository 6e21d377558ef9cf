"""Find the parts of a README that may hold commands: fences, indented blocks, inline code, bare lines."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_README_BYTES = 512 * 1024
MAX_LINE = 8 * 1024
_RUNS = re.compile(r"torchrun|python|accelerate|deepspeed|\.sh\b|\bexport\b|\$env:|[A-Z]=", re.IGNORECASE)
_BARE = re.compile(r"\s*(?:[$>] )?(?:[A-Z_][A-Z0-9_]*=\S+ )*(?:torchrun|python3?|bash) \S")
_INLINE = re.compile(r"`([^`\n]{4,4000})`")
_OTHER_LANGUAGES = frozenset(
    [
        "python",
        "py",
        "json",
        "yaml",
        "yml",
        "toml",
        "diff",
        "c",
        "cpp",
        "cuda",
        "cu",
        "latex",
        "math",
        "html",
        "css",
        "js",
        "mermaid",
        "csv",
        "sql",
        "rust",
    ]
)


@dataclass(frozen=True, slots=True)
class Block:
    """One stretch of text that may hold commands."""

    text: str
    line: int
    label: str
    """The heading above and the remark just before."""
    section: int
    """Counts headings, so that exports are carried within one section only."""


def blocks(text: str) -> Iterator[Block]:
    """Yield the candidate blocks in order."""
    lines = text[:MAX_README_BYTES].splitlines()
    headings: list[str] = []
    section, index, remark = 0, 0, ""
    while index < len(lines):
        line = lines[index][:MAX_LINE]
        stripped = line.strip()
        fence = _fence(stripped)
        if fence:
            end = _fence_end(lines, index + 1, fence)
            language = stripped.strip("`~").strip().lower().split(" ")[0]
            body = "\n".join(lines[index + 1 : end])
            if language not in _OTHER_LANGUAGES and _RUNS.search(body):
                yield Block(body, index + 2, _label(headings, remark), section)
            index = end + 1
            remark = ""
            continue
        if stripped.startswith("#"):
            level = len(stripped) - len(stripped.lstrip("#"))
            headings = [*headings[: level - 1], stripped.lstrip("# ")]
            section += 1
            remark = ""
        elif (
            line.startswith(("    ", "\t"))
            and _RUNS.search(line)
            and not stripped.startswith(("-", "*", "|"))
        ):
            end = _indented_end(lines, index)
            yield Block("\n".join(lines[index:end]), index + 1, _label(headings, remark), section)
            index = end
            continue
        elif _BARE.match(line):
            yield Block(line, index + 1, _label(headings, remark), section)
        elif stripped:
            if "`" in line and not stripped.startswith("|"):
                yield from _inline(line, index + 1, headings, section)
            remark = stripped[:200]
        index += 1


def _fence(stripped: str) -> str:
    return stripped[:3] if stripped.startswith(("```", "~~~")) else ""


def _fence_end(lines: list[str], start: int, fence: str) -> int:
    for index in range(start, len(lines)):
        if lines[index].strip().startswith(fence):
            return index
    return len(lines)


def _indented_end(lines: list[str], start: int) -> int:
    end = start
    while end < len(lines) and (lines[end].startswith(("    ", "\t")) and lines[end].strip()):
        end += 1
    return end


def _label(headings: list[str], remark: str) -> str:
    return " / ".join([*(part for part in headings[-2:] if part), remark]).strip(" /")[:400]


def _inline(line: str, number: int, headings: list[str], section: int) -> Iterator[Block]:
    for match in _INLINE.finditer(line):
        if re.search(r"torchrun |python3? |bash |\.sh\b", match[1]):
            yield Block(match[1], number, _label(headings, line.strip()[:200]), section)
