"""Rewrite a parsed source so that what waits for many tokens starts after few, as early as in a real run.

For the probe only. A cache that is mixed in after 10,000 of 62 million tokens (#430) would never act in a
stream of a few thousand. Constants that a count of tokens is compared with in a condition are divided by how
much shorter the stream is. No line moves.
"""

from __future__ import annotations

import ast
import re

SHORTER = 4096
"""By how much a constant is divided; the real stream is some 24,000 times longer than the tiny one."""
SMALLEST = 1000
"""Smaller ones are sizes of windows and chunks, and no part of a stream."""
_COUNTS = re.compile(r"(?:^|_)(?:tokens?|seen|scored|observed|processed|history)(?:_|$)", re.IGNORECASE)
_SIZES = re.compile(r"batch|max|train|limit|budget|vocab|shard|chunk|per_", re.IGNORECASE)


def instrument(tree: ast.Module, _: str = "") -> ast.Module:
    """Return the tree with the constants of its conditions changed."""
    for node in ast.walk(tree):
        if isinstance(node, ast.If | ast.IfExp | ast.While):
            for part in ast.walk(node.test):
                if isinstance(part, ast.Compare) and len(part.comparators) == 1:
                    _shorten(part)
    return tree


def _shorten(compare: ast.Compare) -> None:
    if not isinstance(compare.ops[0], ast.Lt | ast.LtE | ast.Gt | ast.GtE):
        return
    for count, bound in ((compare.left, compare.comparators[0]), (compare.comparators[0], compare.left)):
        long = isinstance(bound, ast.Constant) and type(bound.value) is int and bound.value >= SMALLEST
        if long and _counts(count):
            bound.value = max(1, bound.value // SHORTER)  # type: ignore[attr-defined]


def _counts(node: ast.expr) -> bool:
    """Return whether an expression is named as a count of tokens."""
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return bool(_COUNTS.search(name)) and not _SIZES.search(name) and not name.isupper()
