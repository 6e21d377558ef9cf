"""Follow the statements of one script as far as needed to tell what it executes.

An abstract walk, not a run: branches that cannot be decided are both taken, loops over unknown things are
taken once, and only functions that lead to an execution are entered.
"""

from __future__ import annotations

import ast

from audits.unpack import objects
from audits.unpack.calls import leads_to_running, run_names
from audits.unpack.evaluator import Budget, Evaluator
from audits.unpack.events import Trace
from audits.unpack.folder_files import FolderFiles
from audits.unpack.library import Library
from audits.unpack.limits import MAX_CALL_DEPTH, MAX_ITEMS, CapExceededError
from audits.unpack.readings import items_of
from audits.unpack.runners import Runners
from audits.unpack.text_methods import container_method, text_method
from audits.unpack.values import (
    UNKNOWN,
    Bound,
    Closure,
    Data,
    FileValue,
    Made,
    ModuleValue,
    PathValue,
    Ref,
    Scope,
    Unknown,
    Value,
    is_packed,
)

MAX_HELPER_STATEMENTS = 12


class Machine:
    """Walks one module."""

    def __init__(self, files: FolderFiles) -> None:
        """Make the evaluator and the library around one view of the folder."""
        self.work = Evaluator(Budget(), self._call, self._attribute)
        self.files = files
        self.library = Library(files, self.work)
        self.trace = Trace(written=files.written)
        self.runners = Runners(self.trace, self.library)
        self.module = Scope({"__file__": Data(files.dunder_file), "__name__": Data("__main__")})
        self.interesting: frozenset[str] = frozenset()
        self.entered: set[ast.AST] = set()
        self.depth = 0

    def run(self, tree: ast.Module) -> Trace:
        """Return what the module executes."""
        self.interesting = run_names(tree)
        try:
            self._block(tree.body, self.module)
            self._unentered(tree)
        except CapExceededError as error:
            self.trace.trouble(error.code, 1, error.message)
        except RecursionError:
            self.trace.trouble("too-deep", 1, "expressions nested too deeply to follow what is executed")
        self.trace.decoded = self.library.decoded
        return self.trace

    def _unentered(self, tree: ast.Module) -> None:
        """Enter functions that run something but were not reached by a call we could follow."""
        for node in ast.walk(tree):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node in self.entered:
                continue
            if leads_to_running(node, frozenset()):
                self._enter(Closure(node, self.module), [], {})

    # Statements

    def _block(self, body: list[ast.stmt], scope: Scope) -> tuple[Value] | None:
        """Walk statements; a definite return gives its value in a 1-tuple."""
        for statement in body:
            self.work.budget.step()
            done = self._statement(statement, scope)
            if done is not None:
                return done
        return None

    def _statement(self, node: ast.stmt, scope: Scope) -> tuple[Value] | None:
        if isinstance(node, ast.Expr):
            self.work.value(node.value, scope)
        elif isinstance(node, ast.Assign):
            value = self.work.value(node.value, scope)
            for target in node.targets:
                self.work.bind(target, value, scope)
        elif isinstance(node, ast.AnnAssign | ast.AugAssign):
            self._other_assignment(node, scope)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            self._import(node, scope)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            scope.names[node.name] = Closure(node, scope)
        elif isinstance(node, ast.ClassDef):
            self._block(node.body, Scope(parent=scope))
        elif isinstance(node, ast.Return):
            return (self.work.value(node.value, scope),)
        else:
            return self._compound(node, scope)
        return None

    def _other_assignment(self, node: ast.AnnAssign | ast.AugAssign, scope: Scope) -> None:
        if isinstance(node, ast.AnnAssign):
            if node.value is not None:
                self.work.bind(node.target, self.work.value(node.value, scope), scope)
            return
        if isinstance(node.target, ast.Name):
            read = ast.copy_location(ast.Name(node.target.id, ast.Load()), node)
            total = ast.copy_location(ast.BinOp(read, node.op, node.value), node)
            self.work.bind(node.target, self.work.value(total, scope), scope)
        else:
            self.work.value(node.value, scope)

    def _compound(self, node: ast.stmt, scope: Scope) -> tuple[Value] | None:
        if isinstance(node, ast.If):
            return self._if(node, scope)
        if isinstance(node, ast.For | ast.AsyncFor):
            return self._for(node, scope)
        if isinstance(node, ast.While):
            self.work.value(node.test, scope)
            self._maybe(node.body, scope)
            return None
        if isinstance(node, ast.With | ast.AsyncWith):
            for item in node.items:
                value = self.work.value(item.context_expr, scope)
                if item.optional_vars is not None:
                    self.work.bind(item.optional_vars, value, scope)
            return self._block(node.body, scope)
        if isinstance(node, ast.Try | ast.TryStar):
            done = self._block(node.body, scope)
            for handler in node.handlers:
                self._maybe(handler.body, scope)
            return done or self._block(node.orelse, scope) or self._block(node.finalbody, scope)
        if isinstance(node, ast.Match):
            for case in node.cases:
                self._maybe(case.body, scope)
        return None

    def _maybe(self, body: list[ast.stmt], scope: Scope) -> None:
        """Walk a block that may not be reached: its return does not end the function."""
        self._block(body, scope)

    def _if(self, node: ast.If, scope: Scope) -> tuple[Value] | None:
        test = True if _is_main_guard(node.test) else self.work.value(node.test, scope)
        if isinstance(test, bool):
            return self._block(node.body if test else node.orelse, scope)
        first = self._block(node.body, scope)
        other = self._block(node.orelse, scope)
        return first if first is not None and other is not None else None

    def _for(self, node: ast.For | ast.AsyncFor, scope: Scope) -> tuple[Value] | None:
        items = items_of(self.work.value(node.iter, scope))
        for item in items[:MAX_ITEMS] if items is not None else [UNKNOWN]:
            self.work.bind(node.target, item, scope)
            self._maybe(node.body, scope)
        return self._block(node.orelse, scope)

    def _import(self, node: ast.Import | ast.ImportFrom, scope: Scope) -> None:
        for alias in node.names:
            if isinstance(node, ast.ImportFrom):
                scope.names[alias.asname or alias.name] = self.library.attribute(
                    f"{node.module or ''}.{alias.name}"
                )
            elif alias.asname:
                scope.names[alias.asname] = Ref(alias.name)
            else:
                scope.names[alias.name.split(".")[0]] = Ref(alias.name.split(".")[0])

    # Calls

    def _attribute(self, owner: Value, name: str) -> Value:
        found = objects.attribute(owner, name)
        if found is None and isinstance(owner, Ref):
            return self.library.attribute(f"{owner.name}.{name}")
        return UNKNOWN if found is None else found

    def _call(
        self, node: ast.Call, function: Value, args: list[Value], named: dict[str, Value], scope: Scope
    ) -> Value:
        if isinstance(function, Ref):
            if function.name in ("builtins.map", "builtins.filter") and len(args) > 1:
                return self._map(node, args, scope)
            if self.runners.run(function.name, args, named, node.lineno):
                return UNKNOWN
            return self._library(function.name, args, named, node.lineno)
        if isinstance(function, Closure):
            return self._closure(function, args, named)
        if isinstance(function, Bound):
            return self._method(function, args, named, node)
        return Unknown(packed=any(is_packed(arg) for arg in args))

    def _library(self, name: str, args: list[Value], named: dict[str, Value], line: int) -> Value:
        if name == "importlib.import_module" and args and isinstance(args[0], Data):
            return Ref(str(args[0].value))
        value = self.library.call(name, args, named)
        for error in self.library.caps_hit:
            self.trace.trouble(error.code, line, error.message)
        self.library.caps_hit.clear()
        return value

    def _map(self, node: ast.Call, args: list[Value], scope: Scope) -> Value:
        items = items_of(args[1])
        if items is None:
            return Unknown(packed=is_packed(args[1]))
        return [self._call(node, args[0], [item], {}, scope) for item in items[:MAX_ITEMS]]

    def _closure(self, function: Closure, args: list[Value], named: dict[str, Value]) -> Value:
        node = function.node
        if isinstance(node, ast.Lambda) or node.name in self.interesting or _is_helper(node):
            return self._enter(function, args, named)
        return Unknown(packed=any(is_packed(arg) for arg in args))

    def _enter(self, function: Closure, args: list[Value], named: dict[str, Value]) -> Value:
        node = function.node
        if self.depth >= MAX_CALL_DEPTH:
            return UNKNOWN
        self.depth += 1
        self.entered.add(node)
        try:
            scope = Scope(self._parameters(node.args, args, named), function.scope)
            if isinstance(node, ast.Lambda):
                return self.work.value(node.body, scope)
            done = self._block(node.body, scope)
            return done[0] if done is not None else UNKNOWN
        finally:
            self.depth -= 1

    def _parameters(
        self, spec: ast.arguments, args: list[Value], named: dict[str, Value]
    ) -> dict[str, Value]:
        names = [arg.arg for arg in (*spec.posonlyargs, *spec.args)]
        bound: dict[str, Value] = dict.fromkeys([*names, *(arg.arg for arg in spec.kwonlyargs)], UNKNOWN)
        for name, default in zip(reversed(names), reversed(spec.defaults), strict=False):
            bound[name] = self.work.value(default, self.module)
        for extra, given in zip(spec.kwonlyargs, spec.kw_defaults, strict=True):
            if given is not None:
                bound[extra.arg] = self.work.value(given, self.module)
        bound.update(zip(names, args, strict=False))
        bound.update({name: value for name, value in named.items() if name in bound})
        for star in (spec.vararg, spec.kwarg):
            if star is not None:
                bound[star.arg] = UNKNOWN
        return bound

    def _method(self, bound: Bound, args: list[Value], named: dict[str, Value], node: ast.Call) -> Value:
        owner, name = bound.owner, bound.name
        if isinstance(owner, ModuleValue):
            self.runners.loader(owner, name, args, node.lineno)
            return owner if name in ("load_module", "get_code") else UNKNOWN
        if isinstance(owner, Data):
            return text_method(owner, name, args, named, self.work)
        if isinstance(owner, list | dict):
            return container_method(owner, name, args)
        if isinstance(owner, Made):
            return self.library.made_call(owner, name, args, named)
        if isinstance(owner, PathValue):
            return self._path_call(owner, name, args, named)
        if isinstance(owner, FileValue):
            return self._file_call(owner, name, args)
        return UNKNOWN

    def _path_call(self, owner: PathValue, name: str, args: list[Value], named: dict[str, Value]) -> Value:
        if name in ("read_text", "read_bytes"):
            return self.files.read(owner.text, name == "read_bytes")
        if name in ("write_text", "write_bytes"):
            self.files.write(owner.text, args[0] if args else UNKNOWN)
            return UNKNOWN
        if name == "open":
            return self.library.call("builtins.open", [owner, *args], named)
        return objects.path_method(owner, name, args)

    def _file_call(self, owner: FileValue, name: str, args: list[Value]) -> Value:
        if name == "read" and not args:
            return self.library.read_file(owner)
        if name == "readlines":
            return UNKNOWN
        if name == "write" and args:
            self.files.write(owner.path, args[0])
            return UNKNOWN
        return owner if name == "__enter__" else UNKNOWN


def _is_main_guard(test: ast.expr) -> bool:
    return isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id == "__name__"


def _is_helper(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return len(node.body) <= MAX_HELPER_STATEMENTS and any(isinstance(part, ast.Return) for part in node.body)


__all__ = ["Machine"]
