"""Which lines of a submission ran: each block of its source notes once that it was entered.

A block is a function's body, or a branch, loop or handler in it; below a `try` it is a single statement,
since one that raised may have been caught and the rest left out (#1422). Promises that no line moves, that a
mark costs one store into an array, and that what is noted is entry into a block: a statement behind one that
returned counts as run.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator, Sequence

RAN = "__referee_ran__"
"""Name of the array in the rewritten source."""
MAX_BLOCKS = 400_000
MAX_FILES = 40
CHUNK = 3500
"""Longest text in which line numbers leave the box."""
ran = bytearray(MAX_BLOCKS)
"""One byte for each block, 1 where it was entered."""
_blocks: list[tuple[str, tuple[int, ...]]] = []
"""File and lines of each block."""


def mark(tree: ast.Module, filename: str) -> ast.Module:
    """Return the tree with a mark at the start of each block."""
    tried = {id(body) for node in ast.walk(tree) if isinstance(node, ast.Try) for body in _tried(node)}
    for node in list(ast.walk(tree)):
        if isinstance(node, ast.ClassDef):
            continue
        for body in _bodies(node):
            if id(body) in tried:
                _mark_each(body, filename)
            else:
                _mark_block(body, filename)
    return tree


def _tried(node: ast.Try) -> Iterator[list[ast.stmt]]:
    """Yield the blocks that an exception which is caught may leave, those of functions defined there not."""
    waiting = [node.body]
    while waiting:
        body = waiting.pop()
        yield body
        for statement in body:
            if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                waiting += _bodies(statement)


def _bodies(node: ast.AST) -> Iterator[list[ast.stmt]]:
    """Yield the blocks that hang directly below a node."""
    for name in ("body", "orelse", "finalbody"):
        body = getattr(node, name, None)
        if isinstance(body, list) and body and isinstance(body[0], ast.stmt):
            yield body


def _mark_block(body: list[ast.stmt], filename: str) -> None:
    """Mark a block by one note at its start."""
    at = sum(1 for _ in _first_words(body))
    _mark(body, at, body[min(at, len(body) - 1)], filename, body)


def _mark_each(body: list[ast.stmt], filename: str) -> None:
    """Mark each statement of a block for itself."""
    for index in range(len(body) - 1, -1, -1):
        _mark(body, index, body[index], filename, body[index : index + 1])


def _mark(
    body: list[ast.stmt], at: int, place: ast.stmt, filename: str, statements: Sequence[ast.stmt]
) -> None:
    """Put a note into a block that stands for the own lines of some statements."""
    if len(_blocks) < MAX_BLOCKS:
        lines = tuple(line for statement in statements for line in _own_lines(statement))
        body.insert(at, _store(len(_blocks), place))
        _blocks.append((filename, lines))


def _first_words(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield what must stay first: a docstring and imports from the future."""
    for index, statement in enumerate(body):
        text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        future = isinstance(statement, ast.ImportFrom) and statement.module == "__future__"
        if not (future or (text and index == 0)):
            return
        yield statement


def _own_lines(statement: ast.stmt) -> range:
    """Return the lines of a statement without those of the blocks in it."""
    inner = [body[0] for body in _bodies(statement)]
    last = min((first.lineno for first in inner), default=(statement.end_lineno or statement.lineno) + 1)
    return range(statement.lineno, max(last, statement.lineno + 1))


def _store(index: int, place: ast.stmt) -> ast.stmt:
    """Return `__referee_ran__[index] = 1`, standing where `place` stands."""
    target = ast.Subscript(ast.Name(RAN, ast.Load()), ast.Constant(index), ast.Store())
    made = ast.Assign([target], ast.Constant(1))
    for node in ast.walk(made):
        ast.copy_location(node, place)
    return made


def lines(root: str) -> dict[str, list[str]]:
    """Return the lines that ran, by file relative to `root`, as texts of ranges (`1-5,8`)."""
    found: dict[str, set[int]] = {}
    for (name, numbers), entered in zip(_blocks, ran, strict=False):
        if entered:
            found.setdefault(_relative(name, root), set()).update(numbers)
    return {name: ranges(sorted(numbers)) for name, numbers in sorted(found.items())[:MAX_FILES]}


def ranges(numbers: list[int]) -> list[str]:
    """Return rising numbers as ranges, in texts of at most `CHUNK` characters."""
    parts: list[str] = []
    first = last = -1
    for number in [*numbers, -1]:
        if first >= 0 and number != last + 1:
            parts.append(str(first) if first == last else f"{first}-{last}")
            first = -1
        if first < 0:
            first = number
        last = number
    return _chunks(parts)


def _chunks(parts: list[str]) -> list[str]:
    made: list[str] = []
    for part in parts:
        if made and len(made[-1]) + len(part) < CHUNK:
            made[-1] += f",{part}"
        else:
            made.append(part)
    return made


def _relative(name: str, root: str) -> str:
    if name.startswith("<"):
        return name
    path = os.path.relpath(os.path.abspath(name), root)
    return os.path.basename(name) if path.startswith("..") else path
