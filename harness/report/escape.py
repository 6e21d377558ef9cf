"""Make text that a submission supplied harmless in the format it is shown in.

Promises that no control, bidirectional or invisible character reaches a terminal or a comment, and that
markdown shows such text as text: no mention, no link, no HTML, no table or fence broken open.
"""

from __future__ import annotations

import re
import unicodedata

_ZERO_WIDTH_SPACE = "\u200b"
_UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_INLINE_SPECIAL = re.compile(r"([\\`*_\[\]|~#])")
_LEADING_MARKER = re.compile(r"^([-+=]|\d{1,9}(?=[.)]))")
_MENTION = re.compile(r"@(?=[\w-])")
_SCHEME = re.compile(r"(?<=\w)://")
_WWW = re.compile(r"\bwww\.", re.IGNORECASE)
_ISSUE = re.compile(r"\b(GH)-(?=\d)", re.IGNORECASE)
_BACKTICKS = re.compile("`+")


def visible(text: str) -> str:
    """Return `text` with every unsafe character spelled out; line feeds and tabs stay."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_spell(char) for char in text)


def one_line(text: str, limit: int = 2000) -> str:
    """Return `text` visible and on one line, cut at `limit` characters."""
    flat = visible(" ".join(text[: limit * 4].split()))
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def markdown(text: str, limit: int = 2000, *, starts_line: bool = False) -> str:
    """Return `text` as one line of inert markdown; at the start of a line a list marker is defused too."""
    flat = one_line(text, limit).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    flat = _INLINE_SPECIAL.sub(r"\\\1", flat)
    if starts_line:
        flat = _LEADING_MARKER.sub(_ZERO_WIDTH_SPACE + r"\1", flat)
    flat = _MENTION.sub("@" + _ZERO_WIDTH_SPACE, flat)
    flat = _SCHEME.sub(":" + _ZERO_WIDTH_SPACE + "//", flat)
    flat = _WWW.sub(lambda found: found.group()[:-1] + _ZERO_WIDTH_SPACE + ".", flat)
    flat = _ISSUE.sub(r"\1" + _ZERO_WIDTH_SPACE + "-", flat)
    return re.sub(r"\\#(?=\d)", r"\\#" + _ZERO_WIDTH_SPACE, flat)


def inline_code(text: str, *, in_table: bool = False, limit: int = 300) -> str:
    """Return `text` as one markdown code span."""
    flat = one_line(text, limit) or " "
    if in_table:
        flat = flat.replace("|", "\\|")
    ticks = "`" * (_longest_run(flat) + 1)
    pad = " " if flat.startswith("`") or flat.endswith("`") else ""
    return f"{ticks}{pad}{flat}{pad}{ticks}"


def code_block(text: str, language: str = "") -> str:
    """Return `text` as a fenced block that it cannot close."""
    shown = visible(text).rstrip("\n")
    fence = "`" * max(3, _longest_run(shown) + 1)
    return f"{fence}{language}\n{shown}\n{fence}"


def _spell(char: str) -> str:
    """Return one character, or its escape when a terminal or a reader could be fooled by it."""
    if char in "\n\t" or unicodedata.category(char) not in _UNSAFE_CATEGORIES:
        return char
    point = ord(char)
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def _longest_run(text: str) -> int:
    """Return the length of the longest run of backticks."""
    return max((len(run) for run in _BACKTICKS.findall(text)), default=0)
