"""Inline small helper functions, and outline runs of statements into helpers.

Both apply only where they provably keep the meaning: inlining where every argument is a plain name, attribute
or constant; outlining where every name a block reads is bound for certain before it.
"""

from __future__ import annotations

import ast
import copy

SHORTEST, LONGEST = 2, 6
"""Statements of a block that is outlined."""
_HARD = (
    ast.Return, ast.Break, ast.Continue, ast.Yield, ast.YieldFrom, ast.Await, ast.Global,
    ast.Nonlocal, ast.Delete, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda,
    ast.NamedExpr, ast.Import, ast.ImportFrom, ast.Try, ast.With, ast.AsyncWith, ast.Starred,
)  # fmt: skip


def outline_blocks(source: str, limit: int = 40) -> str:
    """Return the script with runs of simple statements moved into helper functions of their own."""
    tree = ast.parse(source)
    helpers: list[ast.stmt] = []
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    functions += [
        part
        for node in tree.body
        if isinstance(node, ast.ClassDef)
        for part in node.body
        if isinstance(part, ast.FunctionDef)
    ]
    for function in functions:
        if len(helpers) < limit and not _captures(function):
            parameters = {
                arg.arg
                for arg in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)
            }
            _outline(function, function.body, parameters, helpers, limit)
    at = next(
        (place for place, node in enumerate(tree.body) if isinstance(node, (ast.FunctionDef, ast.ClassDef))),
        0,
    )
    tree.body[at:at] = helpers
    return _text(tree)


def _captures(function: ast.FunctionDef) -> bool:
    """Whether names of the function may be bound or read from elsewhere."""
    inside = [node for node in ast.walk(function) if node is not function]
    if any(
        isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)) for node in inside
    ):
        return True
    names = {node.id for node in inside if isinstance(node, ast.Name)}
    return bool(names & {"super", "locals", "vars", "__class__", "exec", "eval"}) or any(
        isinstance(node, (ast.Global, ast.Nonlocal)) for node in inside
    )


def _outline(
    function: ast.FunctionDef, body: list[ast.stmt], bound: set[str], helpers: list[ast.stmt], limit: int
) -> None:
    bound = set(bound)
    place = 0
    while place < len(body) and len(helpers) < limit:
        run = _run(body, place)
        if len(run) >= SHORTEST and _replace(function, body, place, run, bound, helpers):
            bound |= _stored(run)
            place += 1
            continue
        node = body[place]
        if isinstance(node, (ast.For, ast.While)):
            inner = bound | (_names(node.target, ast.Store) if isinstance(node, ast.For) else set())
            _outline(function, node.body, inner, helpers, limit)
        elif isinstance(node, (ast.With, ast.If)):
            _outline(function, node.body, set(bound), helpers, limit)
        if isinstance(node, (ast.Assign, ast.AnnAssign, ast.With)):
            bound |= _stored([node]) if not isinstance(node, ast.With) else _with_names(node)
        place += 1


def _with_names(node: ast.With) -> set[str]:
    return {
        name
        for item in node.items
        if item.optional_vars is not None
        for name in _names(item.optional_vars, ast.Store)
    }


def _run(body: list[ast.stmt], place: int) -> list[ast.stmt]:
    """Return the simple statements that start at a place."""
    run: list[ast.stmt] = []
    for node in body[place : place + LONGEST]:
        simple = isinstance(node, (ast.Assign, ast.AugAssign, ast.Expr)) and not any(
            isinstance(part, _HARD) for part in ast.walk(node)
        )
        if not simple or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            break
        run.append(node)
    return run


def _replace(
    function: ast.FunctionDef, body: list[ast.stmt], place: int, run: list[ast.stmt], bound: set[str],
    helpers: list[ast.stmt],
) -> bool:  # fmt: skip
    local = _names(function, ast.Store) | {arg.arg for arg in ast.walk(function) if isinstance(arg, ast.arg)}
    local |= {
        (alias.asname or alias.name).split(".")[0]
        for node in ast.walk(function)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    }
    read: list[str] = []
    made: set[str] = set()
    for node in run:
        needed = _names(node, ast.Load) & local
        if isinstance(node, ast.AugAssign):
            needed |= _names(node.target, ast.Store) & local
        if needed - made - bound:
            return False  # perhaps not bound yet
        read.extend(name for name in sorted(needed - made) if name not in read)
        made |= _stored([node])
    results = sorted(made)
    name = f"outlined_part_{len(helpers)}"
    arguments = ast.arguments([], [ast.arg(arg) for arg in read], None, [], [], None, [])
    returned = ast.Tuple([ast.Name(result, ast.Load()) for result in results], ast.Load())
    inside = [*copy.deepcopy(run), ast.Return(returned)]
    helpers.append(ast.FunctionDef(name, arguments, inside, [], None, None))
    call = ast.Call(ast.Name(name, ast.Load()), [ast.Name(arg, ast.Load()) for arg in read], [])
    target = ast.Tuple([ast.Name(result, ast.Store()) for result in results], ast.Store())
    body[place : place + len(run)] = [ast.Assign([target], call) if results else ast.Expr(call)]
    return True


def inline_helpers(source: str) -> str:
    """Return the script with calls of one-expression helpers replaced by the expression."""
    tree = ast.parse(source)
    defined: dict[str, int] = {}
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            defined[node.name] = defined.get(node.name, 0) + 1
    helpers = {
        node.name: node
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and defined[node.name] == 1 and _inlinable(node)
    }
    if helpers:
        _Inliner(helpers, tree).visit(tree)
    return _text(tree)


def _inlinable(node: ast.FunctionDef) -> bool:
    args = node.args
    body = [
        part
        for part in node.body
        if not (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant))
    ]
    if (
        node.decorator_list
        or args.vararg
        or args.kwarg
        or args.kwonlyargs
        or args.posonlyargs
        or args.defaults
    ):
        return False
    if len(body) != 1 or not isinstance(body[0], ast.Return) or body[0].value is None:
        return False
    inner = list(ast.walk(body[0].value))
    scoped = (
        ast.Lambda,
        ast.ListComp,
        ast.SetComp,
        ast.DictComp,
        ast.GeneratorExp,
        ast.NamedExpr,
        ast.Yield,
        ast.Await,
    )
    return not any(isinstance(part, scoped) for part in inner) and not any(
        isinstance(part, ast.Name) and part.id == node.name for part in inner
    )


class _Inliner(ast.NodeTransformer):
    def __init__(self, helpers: dict[str, ast.FunctionDef], tree: ast.Module) -> None:
        self.helpers = helpers
        self.locals: list[set[str]] = []

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.locals.append(
            _names(node, ast.Store) | {arg.arg for arg in ast.walk(node) if isinstance(arg, ast.arg)}
        )
        made = self.generic_visit(node)
        self.locals.pop()
        return made

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        helper = self.helpers.get(node.func.id) if isinstance(node.func, ast.Name) else None
        if helper is None or node.keywords or len(node.args) != len(helper.args.args) or not self.locals:
            return node
        if not all(isinstance(arg, (ast.Name, ast.Constant)) or _is_path(arg) for arg in node.args):
            return node
        body = next(part for part in helper.body if isinstance(part, ast.Return))
        assert body.value is not None
        given = {parameter.arg: arg for parameter, arg in zip(helper.args.args, node.args, strict=True)}
        free = _names(body.value, ast.Load) - set(given)
        if any(free & names for names in self.locals):
            return node  # a global of the helper is shadowed here
        return ast.copy_location(_Substitute(given).visit(copy.deepcopy(body.value)), node)


class _Substitute(ast.NodeTransformer):
    def __init__(self, given: dict[str, ast.expr]) -> None:
        self.given = given

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return copy.deepcopy(self.given[node.id]) if node.id in self.given else node


def _is_path(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and (isinstance(node.value, ast.Name) or _is_path(node.value))


def _names(node: ast.AST, context: type[ast.expr_context]) -> set[str]:
    return {
        part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, context)
    }


def _stored(nodes: list[ast.stmt]) -> set[str]:
    """Names that statements bind; those inside comprehensions are not theirs."""
    found: set[str] = set()
    for node in nodes:
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, (ast.AugAssign, ast.AnnAssign)):
            targets = [node.target]
        for target in targets:
            found |= _names(target, ast.Store)
    return found


def _text(tree: ast.Module) -> str:
    made = ast.unparse(ast.fix_missing_locations(tree)) + "\n"
    compile(made, "<rewritten>", "exec", dont_inherit=True)
    return made
