"""One flat script from the modules of this package: what a submission of the reference would ship.

Modules are joined in the order of their imports, the imports among them dropped, and a configuration
written in as a literal. Names that two modules use for different things are told apart by the module's name.
Promises a script that runs the same code; an import form that it cannot join is an error, not a guess.
"""

from __future__ import annotations

import ast
import io
import tokenize
from dataclasses import dataclass
from pathlib import Path

from reference_impl.config import Config

PACKAGE = "reference_impl"
PACKAGE_DIR = Path(__file__).resolve().parent.parent


class BundleError(ValueError):
    """A module that cannot be joined."""


@dataclass(frozen=True, slots=True)
class SourceModule:
    """One module, parsed."""

    name: str
    """Dotted name."""
    text: str
    """Source."""
    tree: ast.Module
    """Syntax."""

    @property
    def imports(self) -> list[ast.ImportFrom]:
        """Imports of our own modules, wherever they stand, in order of appearance."""
        found = [n for n in ast.walk(self.tree) if isinstance(n, ast.ImportFrom) and n.module]
        ours = [n for n in found if str(n.module).split(".")[0] == PACKAGE]
        hidden = {id(n) for block in typing_blocks(self.tree) for n in ast.walk(block)}
        return sorted((n for n in ours if id(n) not in hidden), key=lambda n: n.lineno)


def typing_blocks(tree: ast.Module) -> list[ast.If]:
    """Return the `if TYPE_CHECKING:` statements."""
    blocks = [n for n in tree.body if isinstance(n, ast.If)]
    return [n for n in blocks if isinstance(n.test, ast.Name) and n.test.id == "TYPE_CHECKING"]


def module_path(name: str) -> Path:
    """Return the file of a dotted name."""
    return PACKAGE_DIR.joinpath(*name.split(".")[1:]).with_suffix(".py")


def read_modules(entries: list[str]) -> list[SourceModule]:
    """Return every module that the entries need, each behind what it imports."""
    done: dict[str, SourceModule] = {}
    active: set[str] = set()

    def visit(name: str) -> None:
        if name in done or name in active:
            return
        active.add(name)
        path = module_path(name)
        if not path.is_file():
            raise BundleError(f"{name} is no module with a file of its own")
        text = path.read_text(encoding="utf-8")
        module = SourceModule(name, text, ast.parse(text))
        for node in module.imports:
            visit(str(node.module))
        done[name] = module

    for entry in entries:
        visit(entry)
    return list(done.values())


def top_names(module: SourceModule) -> set[str]:
    """Return the names that a module binds itself, imports aside."""
    names: set[str] = set()
    for node in module.tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)}
    return names


def find_clashes(modules: list[SourceModule]) -> dict[str, dict[str, str]]:
    """Return, by module, the new name of each name that another module binds too."""
    owners: dict[str, list[str]] = {}
    for module in modules:
        for name in top_names(module):
            owners.setdefault(name, []).append(module.name)
    renames: dict[str, dict[str, str]] = {module.name: {} for module in modules}
    for name, owning in owners.items():
        for owner in owning[1:]:
            stem = owner.rpartition(".")[2]
            renames[owner][name] = f"{stem.upper() if name.isupper() else stem}_{name.lstrip('_')}"
    for module in modules:
        for node in module.imports:
            theirs = renames.get(str(node.module), {})
            renames[module.name] |= {a.name: theirs[a.name] for a in node.names if a.name in theirs}
    return renames


def flatten_module(module: SourceModule, renames: dict[str, str]) -> tuple[str, list[str]]:
    """Return the body of a module without imports, and its foreign import lines."""
    lines = module.text.splitlines()
    foreign: list[str] = []
    dropped: list[ast.stmt] = [*module.imports, *typing_blocks(module.tree)]
    if any(alias.asname for node in module.imports for alias in node.names):
        raise BundleError(f"{module.name} imports one of our names under another")
    for node in module.tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom) and node not in dropped:
            dropped.append(node)
            foreign += single_imports(node)
    docstring = module.tree.body[0] if ast.get_docstring(module.tree) else None
    if docstring is not None:
        dropped.append(docstring)
    for statement in dropped:
        for number in range(statement.lineno - 1, statement.end_lineno or statement.lineno):
            lines[number] = ""
    body = "\n".join(lines).strip("\n")
    return rename_tokens(body, renames) if renames else body, foreign


def single_imports(node: ast.Import | ast.ImportFrom) -> list[str]:
    """Return one line for each name that a statement imports; what only type checkers need is left out."""
    if isinstance(node, ast.Import):
        return [ast.unparse(ast.Import([alias])) for alias in node.names]
    if node.module == "__future__":
        return []
    wanted = [alias for alias in node.names if alias.name != "TYPE_CHECKING"]
    return [ast.unparse(ast.ImportFrom(node.module, [alias], 0)) for alias in wanted]


def join_imports(lines: set[str]) -> list[str]:
    """Return import statements, one a module, plain ones first."""
    plain = sorted(line for line in lines if line.startswith("import "))
    names: dict[str, list[str]] = {}
    for line in sorted(lines - set(plain)):
        module, _, name = line.removeprefix("from ").partition(" import ")
        names.setdefault(module, []).append(name)
    return [*plain, *(f"from {module} import {', '.join(found)}" for module, found in names.items())]


def rename_tokens(text: str, renames: dict[str, str]) -> str:
    """Replace whole names, but not attributes or keyword arguments of that spelling."""
    lines = text.splitlines(keepends=True)
    tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    edits = []
    for before, token, after in zip([None, *tokens], tokens, [*tokens[1:], None], strict=False):
        attribute = before is not None and before.string == "."
        keyword = after is not None and after.string == "=" and before is not None and before.string in "(,"
        if token.type == tokenize.NAME and token.string in renames and not attribute and not keyword:
            edits.append(token)
    for token in reversed(edits):
        row, column = token.start[0] - 1, token.start[1]
        line = lines[row]
        lines[row] = line[:column] + renames[token.string] + line[column + len(token.string) :]
    return "".join(lines)


def bundle(entries: list[str], config: Config, main: str) -> str:
    """Return the script: the modules, `CONFIG`, and a call of `main`, a function of the last entry."""
    modules = read_modules(entries)
    renames = find_clashes(modules)
    imports: set[str] = set()
    bodies: list[str] = []
    for module in modules:
        body, foreign = flatten_module(module, renames[module.name])
        imports |= set(foreign)
        rule = "# " + "-" * 77
        title = module.name.removeprefix(f"{PACKAGE}.").replace(".", ": ")
        bodies.append(f"{rule}\n# {title}\n{rule}\n\n{body}")
    head = '"""The reference of Golf Referee as one script."""\n\nfrom __future__ import annotations\n'
    tail = f'CONFIG = {config!r}\n\nif __name__ == "__main__":\n    {main}(CONFIG)'
    return "\n\n\n".join([head + "\n" + "\n".join(join_imports(imports)), *bodies, tail]) + "\n"
