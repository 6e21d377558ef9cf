"""Where functions and statements of a module lie, found without walking expressions."""

from __future__ import annotations

import ast
import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audits.facts.code.modules import ParsedModule

_NUMPY = re.compile(r"\bimport\s+numpy(?:\s+as\s+(\w+))?")
_BLOCKS = ("body", "orelse", "finalbody")


@dataclass(slots=True, eq=False)
class FunctionInfo:
    """One function definition and where it stands."""

    name: str
    qualified: str
    node: ast.FunctionDef | ast.AsyncFunctionDef
    parent: FunctionInfo | None
    in_class: str | None
    statements: list[ast.stmt] = field(default_factory=list)
    """Its own statements, those of nested functions left out; compound ones stand before their parts."""


class ModuleIndex:
    """Functions, module-level constants and statements of one module."""

    def __init__(self, module: ParsedModule) -> None:
        self.module = module
        self.source = module.layer.source
        self.origin = (module.layer.path, module.layer.index)
        self.functions: list[FunctionInfo] = []
        self.statements: list[ast.stmt] = []
        self.constants: dict[str, ast.expr] = {}
        self.peers: list[ModuleIndex] = []
        self.has_sidecar = False
        """A file of bytes per validation token is named somewhere."""
        self.spent = 0
        """Evaluation steps taken in this module so far."""
        self.imported: set[str] = set()
        self._records: dict[str, list[str]] = {}
        self._by_name: dict[str, FunctionInfo | None] = {}
        self._spans: dict[int, list[tuple[int, int]]] = {}
        """First and last line of each statement of a scope, by the identity of its list."""
        self._collect(module.tree.body, None, None, "")
        numpy = _NUMPY.search(self.source)
        self._loaders = {numpy.group(1) or "numpy"} if numpy else set()

    @cached_property
    def lines(self) -> list[str]:
        """Source lines, counted as the parser counts them."""
        return self.source.split("\n")

    @cached_property
    def _starts(self) -> list[int]:
        starts, total = [], 0
        for line in self.lines:
            starts.append(total)
            total += len(line) + 1
        return starts

    def _collect(
        self, body: list[ast.stmt], owner: FunctionInfo | None, in_class: str | None, prefix: str
    ) -> None:
        stack = list(reversed(body))
        into = owner.statements if owner is not None else self.statements
        while stack:
            node = stack.pop()
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                self._function(node, owner, in_class, prefix)
                continue
            if isinstance(node, ast.ClassDef):
                self._records[node.name] = record_fields(node)
                self._collect(node.body, owner, node.name, f"{prefix}{node.name}.")
                continue
            into.append(node)
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                self.imported.update((part.asname or part.name).split(".")[0] for part in node.names)
            if isinstance(node, ast.Assign) and owner is None and len(node.targets) == 1:
                target = node.targets[0]
                if isinstance(target, ast.Name):
                    self.constants.setdefault(target.id, node.value)
            for block in _BLOCKS:
                inner = getattr(node, block, None)
                if inner:
                    stack.extend(reversed(inner))
            for handler in getattr(node, "handlers", ()):
                stack.extend(reversed(handler.body))
            for case in getattr(node, "cases", ()):
                stack.extend(reversed(case.body))

    def _function(
        self,
        node: ast.FunctionDef | ast.AsyncFunctionDef,
        owner: FunctionInfo | None,
        in_class: str | None,
        prefix: str,
    ) -> None:
        info = FunctionInfo(node.name, prefix + node.name, node, owner, in_class)
        self.functions.append(info)
        twice = node.name in self._by_name and node.name != "__init__"
        plain = in_class is None and owner is None  # of two functions of a module the last one counts
        self._by_name[node.name] = info if plain or not twice else None
        self._collect(node.body, info, None, f"{info.qualified}.")

    def function(self, name: str) -> FunctionInfo | None:
        """Return the one function called `name`, here or else in a sibling module; None when in doubt."""
        if name in self._by_name:
            return self._by_name[name]
        return next((peer._by_name[name] for peer in self.peers if peer._by_name.get(name)), None)

    def alias(self, name: str) -> str:
        """Return what a name stands for where a module only renames it (`size = len`)."""
        for _ in range(4):
            bound = self.constants.get(name)
            if not isinstance(bound, ast.Name):
                break
            name = bound.id
        return name

    def constructor(self, class_name: str) -> FunctionInfo | None:
        """Return the `__init__` of a class."""
        return next((f for f in self.functions if f.in_class == class_name and f.name == "__init__"), None)

    def fields(self, class_name: str) -> list[str]:
        """Return the fields of a record class of this module or a sibling in order; none for others."""
        return next((i._records[class_name] for i in (self, *self.peers) if class_name in i._records), [])

    def is_method(self, info: FunctionInfo) -> bool:
        """Whether the function takes its object first."""
        decorators = {d.id for d in info.node.decorator_list if isinstance(d, ast.Name)}
        return info.in_class is not None and "staticmethod" not in decorators

    def reads_file(self, callee: ast.Attribute) -> bool:
        """Whether this is `numpy.load`, which opens tables saved earlier."""
        return (
            callee.attr == "load" and isinstance(callee.value, ast.Name) and callee.value.id in self._loaders
        )

    @property
    def loads_tables(self) -> bool:
        """Whether `numpy.load` occurs at all."""
        return any(f"{name}.load(" in self.source for name in self._loaders)

    def lines_with(self, pattern: re.Pattern[str]) -> set[int]:
        """Return the numbers of lines that match."""
        return {self._line(match.start()) for match in pattern.finditer(self.source)}

    def _line(self, offset: int) -> int:
        return bisect_right(self._starts, offset)

    def mentions(self, name: str, first: int = 1, last: int = 0) -> list[int]:
        """Return the numbers of lines between `first` and `last` where an identifier occurs."""
        source = self.source
        at = self._starts[first - 1] if first - 1 < len(self._starts) else len(source)
        end = self._starts[last] if 0 < last < len(self._starts) else len(source)
        found: list[int] = []
        width = len(name)
        while True:
            at = source.find(name, at, end)
            if at < 0:
                return found
            before, after = source[at - 1 : at], source[at + width : at + width + 1]
            if not (before.isidentifier() or before.isdigit() or after.isidentifier() or after.isdigit()):
                line = self._line(at)
                if not found or found[-1] != line:
                    found.append(line)
            at += width

    def function_at(self, line: int) -> FunctionInfo | None:
        """Return the innermost function that covers a line."""
        best: FunctionInfo | None = None
        for info in self.functions:
            if info.node.lineno <= line <= (info.node.end_lineno or line) and (
                best is None or info.node.lineno >= best.node.lineno
            ):
                best = info
        return best

    def statements_on(self, owner: FunctionInfo | None, lines: list[int]) -> Iterator[ast.stmt]:
        """Yield the simple statements and compound headers of a scope that cover one of the lines."""
        statements = owner.statements if owner is not None else self.statements
        spans = self._spans.get(id(statements))
        if spans is None:
            spans = self._spans[id(statements)] = [(node.lineno, header_end(node)) for node in statements]
        wanted = sorted(lines)
        lowest, highest = (wanted[0], wanted[-1]) if wanted else (1, 0)
        for node, (start, end) in zip(statements, spans, strict=True):
            # Hardly a statement lies among the lines at all.
            if start <= highest and end >= lowest:
                place = bisect_left(wanted, start)
                if place < len(wanted) and wanted[place] <= end:
                    yield node


def record_fields(node: ast.ClassDef) -> list[str]:
    """Return the annotated names of a class that writes no constructor: a dataclass or a named tuple."""
    if any(isinstance(item, ast.FunctionDef) and item.name == "__init__" for item in node.body):
        return []
    return [
        item.target.id
        for item in node.body
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
    ]


def header_end(node: ast.stmt) -> int:
    """Return the last line of a simple statement, or of the part of a compound one before its block."""
    body = getattr(node, "body", None)
    if isinstance(body, list) and body:
        first: int = body[0].lineno
        return max(node.lineno, first - (0 if first == node.lineno else 1))
    return node.end_lineno or node.lineno


def expressions(node: ast.stmt) -> Iterator[ast.expr]:
    """Yield the expressions that belong to the statement itself, not to its blocks."""
    for name, value in ast.iter_fields(node):
        if name in _BLOCKS or name in ("handlers", "cases"):
            continue
        if isinstance(value, ast.expr):
            yield value
        elif isinstance(value, list):
            for entry in value:
                if isinstance(entry, ast.expr):
                    yield entry
                elif isinstance(entry, ast.withitem):
                    yield entry.context_expr
