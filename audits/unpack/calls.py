"""Which functions of a script lead to text or another file being executed."""

from __future__ import annotations

import ast

RUN_NAMES = frozenset(
    "exec eval runpy run_path run_module exec_module load_module ModuleType spec_from_file_location "
    "import_module __import__ SourceFileLoader".split()
)


def run_names(tree: ast.Module) -> frozenset[str]:
    """Return the names of functions that, directly or through one another, execute something."""
    uses: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            uses.setdefault(node.name, set()).update(_mentioned(node))
    found = {name for name, mentioned in uses.items() if mentioned & RUN_NAMES}
    grown = True
    while grown:
        more = {name for name, mentioned in uses.items() if name not in found and mentioned & found}
        found |= more
        grown = bool(more)
    return frozenset(found)


def leads_to_running(node: ast.AST, also: frozenset[str]) -> bool:
    """Return whether a function mentions something that executes."""
    return bool(_mentioned(node) & (RUN_NAMES | also))


def _mentioned(node: ast.AST) -> set[str]:
    """Return names called in a function: bare names, and attributes of modules such as `runpy.run_path`."""
    names: set[str] = set()
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            names.add(part.id)
        elif isinstance(part, ast.Attribute) and part.attr not in ("eval", "exec"):
            names.add(part.attr)
    return names
