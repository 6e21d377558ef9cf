"""C and CUDA that the scored path may compile: files of the folder, and text inside Python strings."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

LANGUAGES = {
    ".c": "c",
    ".cc": "c",
    ".cpp": "c",
    ".cxx": "c",
    ".h": "c",
    ".hpp": "c",
    ".cu": "cuda",
    ".cuh": "cuda",
}
_INCLUDE = re.compile(r"^[ \t]*#[ \t]*include[ \t]*[<\"]", re.MULTILINE)
_CUDA = re.compile(r"__global__|__device__|cuda_runtime|cuda\.h")
MIN_TEXT = 40


def language_of(text: str) -> str:
    """Return `cuda` or `c`."""
    return "cuda" if _CUDA.search(text) else "c"


def embedded(tree: ast.Module) -> Iterator[tuple[str, int, str]]:
    """Yield (text, line, language) for string constants that are C or CUDA source."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            continue
        text = node.value
        if len(text) >= MIN_TEXT and (_INCLUDE.search(text) or "__global__" in text):
            yield text, node.lineno, language_of(text)
