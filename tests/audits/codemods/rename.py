"""Rename every local and private name of a script, the same way everywhere, to a name of equal length."""

from __future__ import annotations

import ast
import builtins
import keyword
import random
import re
import string

import libcst as cst

from tests.audits.codemods.names import own_names

_WORD = re.compile(r"[A-Za-z_]\w*")


def rename_private(source: str, keep: frozenset[str] = frozenset(), seed: int = 1) -> str:
    """Return the script with its own names replaced by meaningless ones of the same length."""
    tree = ast.parse(source)
    variables, attributes = own_names(tree, keep)
    mapping = fresh_names(variables | attributes, set(_WORD.findall(source)) | set(keep), seed)
    renamed = cst.parse_module(source).visit(_Renamer(mapping, variables, attributes, _parameters(tree)))
    compile(renamed.code, "<renamed>", "exec", dont_inherit=True)
    return renamed.code


def fresh_names(names: frozenset[str], taken: set[str], seed: int) -> dict[str, str]:
    """Choose a new name for each: as long as the old one, used nowhere, and shadowing nothing."""
    source = random.Random(seed)
    used = set(taken) | set(dir(builtins)) | set(keyword.kwlist)
    mapping: dict[str, str] = {}
    for name in sorted(names):
        length = len(name)
        for attempt in range(400):
            if attempt == 200:
                length += 2  # short names run out
            alphabet = string.ascii_uppercase if name.isupper() else string.ascii_lowercase
            fresh = "".join(source.choice(alphabet) for _ in range(length))
            if fresh not in used:
                used.add(fresh)
                mapping[name] = fresh
                break
    return mapping


def _parameters(tree: ast.Module) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            arguments = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
            found.setdefault(node.name, set()).update(arg.arg for arg in arguments)
    return found


class _Renamer(cst.CSTTransformer):
    """Applies a mapping to names, attributes and keywords, each only where it means the script's own."""

    def __init__(
        self,
        mapping: dict[str, str],
        variables: frozenset[str],
        attributes: frozenset[str],
        parameters: dict[str, set[str]],
    ) -> None:
        super().__init__()
        self.mapping = mapping
        self.variables = variables
        self.attributes = attributes
        self.parameters = parameters
        self._attribute_names: set[int] = set()
        self._still: set[int] = set()
        self._methods: set[int] = set()

    def visit_ImportAlias(self, node: cst.ImportAlias) -> None:
        self._still |= {id(part) for part in _inner_names(node.name)}

    def visit_ImportFrom(self, node: cst.ImportFrom) -> None:
        if node.module is not None:
            self._still |= {id(part) for part in _inner_names(node.module)}

    def visit_Attribute(self, node: cst.Attribute) -> None:
        self._attribute_names.add(id(node.attr))

    def visit_ClassDef(self, node: cst.ClassDef) -> None:
        for part in node.body.body:
            if isinstance(part, cst.FunctionDef):
                self._methods.add(id(part.name))

    def visit_Call(self, node: cst.Call) -> None:
        callee = node.func.value if isinstance(node.func, cst.Name) else None
        if isinstance(node.func, cst.Attribute):
            callee = node.func.attr.value
        known = self.parameters.get(callee or "", set())
        for argument in node.args:
            if argument.keyword is not None and argument.keyword.value not in known:
                self._still.add(id(argument.keyword))

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.Name:
        name = original_node.value
        if id(original_node) in self._still or name not in self.mapping:
            return updated_node
        own = (
            self.attributes if id(original_node) in self._attribute_names | self._methods else self.variables
        )
        return updated_node.with_changes(value=self.mapping[name]) if name in own else updated_node


def _inner_names(node: cst.BaseExpression) -> list[cst.Name]:
    found: list[cst.Name] = []
    while isinstance(node, cst.Attribute):
        found.append(node.attr)
        node = node.value
    if isinstance(node, cst.Name):
        found.append(node)
    return found
