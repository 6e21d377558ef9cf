"""Pass 1: parse every Python layer once; the trees are shared by all later passes.

Promises one `ast` tree a layer or one `CodeProblem`; never an exception, whatever the text.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import lru_cache

from audits.facts.code.facts import CodeProblem
from audits.facts.layer import Layer
from audits.location import Location
from audits.unpack.memory import parse_text

SOURCE_CAP = 4 << 20
_DEPTH = 400


@dataclass(frozen=True, slots=True)
class ParsedModule:
    """A Python layer with its syntax tree. Trees are not kept in stored facts."""

    layer: Layer
    tree: ast.Module
    is_main: bool
    name: str = ""
    """Import name under which the scored path reaches it, empty for the main script."""


@lru_cache(maxsize=1)
def parse(
    main: Layer | None, local: tuple[tuple[str, Layer], ...]
) -> tuple[tuple[ParsedModule, ...], tuple[CodeProblem, ...]]:
    """Parse the main layer and the local modules that it reaches.

    Asked again for the same ones, as the next folder with that script does, it returns the same trees.
    """
    modules: list[ParsedModule] = []
    problems: list[CodeProblem] = []
    for name, layer in (("", main), *local):
        if layer is None or layer.language != "python" or (name and layer is main):
            continue
        tree = parse_layer(layer, problems)
        if tree is not None:
            modules.append(ParsedModule(layer, tree, layer is main, name))
    return tuple(modules), tuple(problems)


def parse_layer(layer: Layer, problems: list[CodeProblem]) -> ast.Module | None:
    """Return the tree of one layer; note a problem where there is none."""
    source = layer.source.removeprefix("\ufeff")
    if len(source) > SOURCE_CAP or too_deep(source):
        note(
            problems,
            layer,
            "too-deep" if len(source) <= SOURCE_CAP else "size-cap",
            1,
            "the source is too large or too deeply nested to be parsed",
        )
        return None
    try:
        return parse_text(source)
    except SyntaxError as error:
        from audits.unpack.newer_syntax import downgrade

        line, message = error.lineno or 1, f"{type(error).__name__}: {error.msg}"
        older = downgrade(source)
    except (ValueError, RecursionError) as error:
        note(problems, layer, "syntax-error", 1, f"{type(error).__name__}: {error}")
        return None
    if older is not None:
        try:
            return parse_text(older)
        except (SyntaxError, ValueError, RecursionError):
            pass
    head = parse_head(source, line)
    if head is not None:
        note(problems, layer, "broken-tail", line, f"{message}; judged up to there")
        return head
    note(problems, layer, "syntax-error", line, message)
    return None


def parse_head(source: str, line: int) -> ast.Module | None:
    """Return the tree of what stands before a syntax error, where that is a whole program.

    A log pasted after `main()` (#266) leaves a script that does not compile, yet all of it can be judged.
    """
    lines = source.split("\n")
    guards = [number for number, text in enumerate(lines) if text.startswith("if ") and "__main__" in text]
    if not guards or guards[-1] + 1 >= line:
        return None
    end = guards[-1] + 1
    while end < len(lines) and (lines[end][:1] in (" ", "\t") or not lines[end].strip()):
        end += 1
    try:
        return parse_text("\n".join(lines[:end]))
    except (SyntaxError, ValueError, RecursionError):
        return None


def too_deep(source: str) -> bool:
    """Return True for brackets nested deeper than any honest program's: the parser's stack is at risk."""
    if (
        not any(bracket * 64 in source for bracket in "([{-~+")
        and source.count("(") + source.count("[") < 100_000
    ):
        return False
    depth = deepest = 0
    for char in source:
        if char in "([{":
            depth += 1
            deepest = max(deepest, depth)
        elif char in ")]}":
            depth = max(0, depth - 1)
    return deepest > _DEPTH or any(sign * _DEPTH in source for sign in "-~+")


def note(problems: list[CodeProblem], layer: Layer, code: str, line: int, message: str) -> None:
    """Record why a layer could not be read."""
    problems.append(CodeProblem(code, Location(layer.path, line, line, layer.index), message[:300]))
