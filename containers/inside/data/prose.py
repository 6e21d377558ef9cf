"""Real English prose: the language reference and the docstrings that come with Python.

Promises the same documents in the same order on the same Python, and nothing fetched.
"""

from __future__ import annotations

import ast
import re
import sysconfig
from pathlib import Path

MIN_CHARACTERS = 200
MAX_CHARACTERS = 700
_SPACES = re.compile(r"[ \t]*\n[ \t]*\n\s*")


def documents(limit: int = 4_000_000) -> list[str]:
    """Return documents of a few paragraphs, about `limit` characters in all."""
    found, total = [], 0
    for text in (*_reference(), *_docstrings()):
        for document in _cut(text):
            found.append(document)
            total += len(document)
            if total >= limit:
                return found
    return found


def _reference() -> list[str]:
    from pydoc_data.topics import topics

    return [topics[name] for name in sorted(topics)]


def _docstrings() -> list[str]:
    root = Path(sysconfig.get_path("stdlib"))
    texts = []
    for path in sorted(root.rglob("*.py")):
        if "test" in path.parts or "site-packages" in path.parts or "dist-packages" in path.parts:
            continue
        try:
            tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError, OSError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                texts.append(ast.get_docstring(node) or "")
    return texts


def _cut(text: str) -> list[str]:
    """Cut a text into documents at its paragraphs."""
    made, current = [], ""
    for paragraph in _SPACES.split(text):
        current += (" " if current else "") + " ".join(paragraph.split())
        if len(current) >= MAX_CHARACTERS:
            made.append(current[: 2 * MAX_CHARACTERS])
            current = ""
    if len(current) >= MIN_CHARACTERS:
        made.append(current)
    return made
