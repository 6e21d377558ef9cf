"""The counted bytes of code under each reading of the rule.

The rule counts code and compressed model and leaves open which form of the code. Readings in use: the script
as people read it; the script without comments and docstrings; and a loader that unpacks it (rows ship one
since #1530). Counts are exact UTF-8 lengths of text that runs.
"""

from __future__ import annotations

import ast
import base64
import lzma
from typing import NamedTuple


class Reading(NamedTuple):
    """One way to ship the code."""

    name: str
    """What is counted."""
    text: str
    """The script in that form."""

    @property
    def code_bytes(self) -> int:
        """Bytes that count."""
        return len(self.text.encode())


def minify(source: str) -> str:
    """Return the script without comments, docstrings and spare space."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            kept = [s for s in body if not is_bare_string(s)]
            node.body = kept or [ast.Pass()]
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"


def is_bare_string(statement: ast.stmt) -> bool:
    """Return whether a statement is a docstring, of whatever it documents."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def wrap_lzma(source: str) -> str:
    """Return a loader that needs the standard library only."""
    packed = lzma.compress(source.encode(), preset=9 | lzma.PRESET_EXTREME)
    text = base64.b85encode(packed).decode()
    return f'import lzma as L,base64 as b\nexec(L.decompress(b.b85decode("{text}")))\n'


def wrap_brotli(source: str) -> str:
    """Return a loader that needs the brotli package."""
    import brotli

    text = base64.b85encode(brotli.compress(source.encode(), quality=11, lgwin=24)).decode()
    return f'import brotli as B,base64 as b\nexec(B.decompress(b.b85decode("{text}")))\n'


def read_code(source: str) -> list[Reading]:
    """Return every reading of a script, largest first as a rule."""
    small = minify(source)
    return [
        Reading("source", source),
        Reading("minified", small),
        Reading("lzma", wrap_lzma(small)),
        Reading("brotli", wrap_brotli(small)),
    ]
