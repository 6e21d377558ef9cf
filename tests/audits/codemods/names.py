"""Which names of a script are its own, so that renaming them everywhere changes nothing.

One identifier is renamed in all its uses or in none. Kept are names that something outside may know:
attributes of library objects, keywords of calls that are not the script's own, words inside strings, imports.
"""

from __future__ import annotations

import ast
import builtins
import keyword
import re

_SPELT = re.compile(r"[\w.,: *-]{1,200}")
_WORD = re.compile(r"[A-Za-z_]\w*")
LIBRARY_ATTRIBUTES = frozenset(
    "weight bias data grad shape device dtype forward eval train parameters named_parameters buffers "
    "modules named_modules children state_dict load_state_dict register_buffer to cuda cpu half "
    "float bfloat16 step zero_grad param_groups state apply training requires_grad requires_grad_ "
    "compile call setup_context backward save_for_backward saved_tensors ctx size numel item detach "
    "clone view reshape transpose permute name names path parent exists mean std sum max min norm "
    "sqrt exp log add mul div copy_ fill_ zero_ normal_ uniform_ update get pop keys values items "
    "append extend insert remove index count sort reverse clear copy read write close open seek tell "
    "flush readline readlines load save dump dumps loads encode decode split join strip replace "
    "format lower upper startswith endswith run main start stop end group groups match search sub "
    "rank world_size args kwargs defaults params lr momentum betas eps weight_decay closure next "
    "iter len key value type id in_features out_features num_embeddings embedding_dim padding stride "
    "kernel_size groups dim module _orig_mod T real imag ".split()
)
for _kind in (str, bytes, bytearray, list, dict, set, tuple, int, float, object):
    LIBRARY_ATTRIBUTES |= frozenset(dir(_kind))


class _Survey(ast.NodeVisitor):
    """Collects what a script binds and what must stay."""

    def __init__(self, executes: bool) -> None:
        self.executes = executes
        self.variables: set[str] = set()
        self.attributes: set[str] = set()
        self.class_level: set[str] = set()
        self.keep: set[str] = set()
        self.parameters: dict[str, set[str]] = {}
        self.calls: list[ast.Call] = []
        self._in_class = False

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.variables.add(node.name)
        outer, self._in_class = self._in_class, True
        for part in node.body:
            if isinstance(part, (ast.Assign, ast.AnnAssign)):
                targets = part.targets if isinstance(part, ast.Assign) else [part.target]
                self.class_level |= {target.id for target in targets if isinstance(target, ast.Name)}
            elif isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef)):
                self.class_level.add(part.name)
        self.generic_visit(node)
        self._in_class = outer

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        if not self._in_class:
            self.variables.add(node.name)
        arguments = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
        self.parameters.setdefault(node.name, set()).update(arg.arg for arg in arguments)
        outer, self._in_class = self._in_class, False
        self.generic_visit(node)
        self._in_class = outer

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.visit_FunctionDef(node)  # type: ignore[arg-type]

    def visit_arg(self, node: ast.arg) -> None:
        self.variables.add(node.arg)
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, (ast.Store, ast.Del)):
            self.variables.add(node.id)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if (
            isinstance(node.value, ast.Name)
            and node.value.id in ("self", "cls")
            and isinstance(node.ctx, ast.Store)
        ):
            self.attributes.add(node.attr)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        self.calls.append(node)
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        """Keep words that a string spells out alone (`getattr`) or as code (`exec`); prose binds nothing."""
        if isinstance(node.value, str) and (_SPELT.fullmatch(node.value) or self.executes):
            self.keep |= set(_WORD.findall(node.value))

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            if alias.asname:
                self.variables.add(alias.asname)
            else:
                self.keep.add(alias.name.split(".")[0])

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            if alias.asname:
                self.variables.add(alias.asname)
            self.keep.add(alias.name)


def own_names(tree: ast.Module, keep: frozenset[str] = frozenset()) -> tuple[frozenset[str], frozenset[str]]:
    """Return the variables and the attributes of a script that may be renamed."""
    executes = any(
        isinstance(node, ast.Name) and node.id in ("exec", "eval", "compile") for node in ast.walk(tree)
    )
    survey = _Survey(executes)
    survey.visit(tree)
    kept = survey.keep | keep | set(dir(builtins)) | set(keyword.kwlist) | {"self", "cls"}
    kept |= _foreign_keywords(survey)
    kept |= {name for name in survey.variables | survey.class_level if name.startswith("__")}
    attributes = (survey.attributes | survey.class_level) - LIBRARY_ATTRIBUTES - kept
    # A class-level name is also read bare inside the class body: both ways or neither.
    kept |= survey.class_level - attributes
    variables = survey.variables | (survey.class_level & attributes)
    return frozenset(variables - kept), frozenset(attributes)


def _foreign_keywords(survey: _Survey) -> set[str]:
    """Return keywords of calls that do not go to one of the script's own functions or classes."""
    found: set[str] = set()
    for call in survey.calls:
        name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
        known = survey.parameters.get(name, set())
        found |= {part.arg for part in call.keywords if part.arg and part.arg not in known}
    return found
