"""Which packages the code needs that neither Python nor the folder provides."""

from __future__ import annotations

import ast
import sys

from audits.facts.code.facts import Import
from audits.facts.code.modules import ParsedModule
from audits.location import Location

_BLOCKS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.If, ast.Try, ast.With, ast.For, ast.While)


def third_party_imports(modules: tuple[ParsedModule, ...]) -> tuple[Import, ...]:
    """Return the first import of every package that is neither local nor of the standard library."""
    local = {module.name.split(".")[0] for module in modules if module.name}
    local |= {module.layer.path.rsplit("/", 1)[-1].removesuffix(".py") for module in modules}
    found: dict[str, Import] = {}
    for module in modules:
        visit(module, module.tree.body, False, local, found)
    return tuple(found.values())


def visit(
    module: ParsedModule, body: list[ast.stmt], guarded: bool, local: set[str], found: dict[str, Import]
) -> None:
    """Walk statements only: imports do not hide inside expressions."""
    for node in body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            for name in packages(node):
                record(module, node, name, guarded, local, found)
            continue
        if not isinstance(node, _BLOCKS):
            continue
        for field in ("body", "orelse", "finalbody"):
            inner = getattr(node, field, None)
            if isinstance(inner, list):
                visit(
                    module,
                    inner,
                    guarded or isinstance(node, ast.Try | ast.If | ast.FunctionDef),
                    local,
                    found,
                )
        for handler in getattr(node, "handlers", ()):
            visit(module, handler.body, True, local, found)


def packages(node: ast.Import | ast.ImportFrom) -> list[str]:
    """Return the top-level packages that a statement imports."""
    if isinstance(node, ast.Import):
        return [alias.name.split(".")[0] for alias in node.names]
    return [node.module.split(".")[0]] if node.module and not node.level else []


def record(
    module: ParsedModule, node: ast.stmt, name: str, guarded: bool, local: set[str], found: dict[str, Import]
) -> None:
    """Keep the first import of a package, an unguarded one before a guarded one."""
    if name in local or name in sys.stdlib_module_names or name == "__future__":
        return
    known = found.get(name)
    if known is None or known.guarded and not guarded:
        layer = module.layer
        place = Location(layer.path, node.lineno, node.end_lineno or node.lineno, layer.index)
        found[name] = Import(name, place, guarded)
