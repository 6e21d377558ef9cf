"""Parse source text once; a small cache lets later passes have the same tree for nothing."""

from __future__ import annotations

import ast
from functools import lru_cache

from audits.unpack.memory import parse_text
from audits.unpack.newer_syntax import downgrade

MAX_PARSED_BYTES = 8 * 1024 * 1024


@lru_cache(maxsize=16)
def parse_or_none(source: str) -> ast.Module | None:
    """Return the syntax tree, newer f-strings rewritten where needed, or None for broken syntax."""
    if len(source) > MAX_PARSED_BYTES:
        return None
    tree = _parse(source)
    if tree is None:
        older = downgrade(source)
        tree = _parse(older) if older is not None else None
    return tree


def _parse(source: str) -> ast.Module | None:
    try:
        return parse_text(source)
    except (SyntaxError, ValueError, RecursionError):
        return None
