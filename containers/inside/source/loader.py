"""Run a submission's sources as Python would, each rewritten on the way.

Scripts, helpers beside them, unpacked text.

The functions that the rewriting calls, and our `exec` and `compile`, live in the builtins of the
submission's modules only: replacing them for everybody would break torch's own code generation.
"""

from __future__ import annotations
import __future__

import ast
import builtins
import contextlib
import functools
import hashlib
import importlib.machinery
import linecache
import operator
import os
import sys
import types
from collections.abc import Callable
from typing import Any

from ..channel import CHANNEL
from ..shim.patching import used
from . import instrument, pep701

_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_FOREIGN = (sys.prefix, sys.base_prefix, "/usr/lib/python", "/usr/local/lib/python", _OURS)
_FUTURES: int = functools.reduce(
    operator.or_, (getattr(__future__, name).compiler_flag for name in __future__.all_feature_names)
)
MAX_SOURCE = 16 * 1024 * 1024
HELPERS: dict[str, Any] = {}
"""Name in the rewritten source to our function."""
LISTENERS: list[Callable[[str], None]] = []
"""Called with the text of every source of the submission, before it runs."""
REWRITES: list[Callable[[ast.Module, str], ast.Module]] = []
"""Further changes to every parsed source, given its file name; none may move a line."""
_unpacked: dict[str, str] = {}


def prepared(source: str | bytes, filename: str, flags: int = 0) -> types.CodeType:
    """Return the code of a source, rewritten; raise the syntax error that Python would."""
    text = source.decode("utf-8", "surrogateescape") if isinstance(source, bytes) else source
    for listener in LISTENERS:
        listener(text)
    try:
        tree = ast.parse(source, filename)
    except SyntaxError:
        newer = pep701.downgrade(text) if len(text) <= MAX_SOURCE else None
        if newer is None:
            raise
        used("newer-syntax", "f-strings of Python 3.12, rewritten")
        tree = ast.parse(newer, filename)
    with contextlib.suppress(RecursionError):
        tree = instrument.instrument(tree)
        for rewrite in REWRITES:
            tree = rewrite(tree, filename)
    code: types.CodeType = compile(tree, filename, "exec", flags, dont_inherit=True)
    return code


def submission_builtins() -> dict[str, Any]:
    """Return the builtins that the submission's modules get."""
    return {**builtins.__dict__, **HELPERS, "exec": _exec, "compile": _compile}


_shared: dict[str, Any] = {}


def shared_builtins() -> dict[str, Any]:
    """Return the one dictionary of builtins that all of the submission's modules share."""
    if not _shared:
        _shared.update(submission_builtins())
    return _shared


def _named(source: str | bytes, filename: str) -> str:
    """Return a file name under which tracebacks and `inspect` find an unpacked source."""
    data = source.encode("utf-8", "surrogatepass") if isinstance(source, str) else bytes(source)
    if filename and not filename.startswith("<"):
        return filename
    digest = hashlib.sha256(data).hexdigest()
    if digest not in _unpacked:
        name = _unpacked[digest] = f"<unpacked {len(_unpacked) + 1}>"
        text = data.decode("utf-8", "replace")
        linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
        if len(data) > 400:
            CHANNEL.send("unpacked", name=name, bytes=len(data), sha256=digest)
    return _unpacked[digest]


def _futures(code: types.CodeType) -> int:
    """Return the flags of the future statements under which code was compiled.

    What it compiles inherits them.
    """
    return code.co_flags & _FUTURES


def _compile(
    source: Any,
    filename: Any,
    mode: str,
    flags: int = 0,
    dont_inherit: bool = False,
    optimize: int = -1,
    **more: Any,
) -> Any:
    """Compile for the submission; whole sources are rewritten."""
    if mode == "exec" and isinstance(source, str | bytes | bytearray) and not flags & ast.PyCF_ONLY_AST:
        text = bytes(source) if isinstance(source, bytearray) else source
        inherited = 0 if dont_inherit else _futures(sys._getframe(1).f_code)
        return prepared(text, _named(text, os.fspath(filename)), flags | inherited)
    return compile(source, filename, mode, flags, True, optimize, **more)


def _exec(source: Any, globals_: Any = None, locals_: Any = None, /, **more: Any) -> None:
    """Execute for the submission, in the caller's names where none are given."""
    caller = sys._getframe(1)
    names = more.pop("globals", globals_)
    inner = more.pop("locals", locals_)
    if names is None:
        names, inner = caller.f_globals, caller.f_locals if inner is None else inner
    if isinstance(source, str | bytes | bytearray):
        source = _compile(source, "<string>", "exec", _futures(caller.f_code), True)
    names.setdefault("__builtins__", shared_builtins())
    exec(source, names, inner if inner is not None else names, **more)


def run_script(path: str, module: str) -> types.ModuleType:
    """Execute the script at `path` as the module named `module` and return it."""
    with open(path, "rb") as file:
        code = prepared(file.read(), path)
    made = types.ModuleType(module)
    made.__dict__.update(__file__=path, __builtins__=shared_builtins(), __cached__=None)
    made.__spec__ = (
        None if module == "__main__" else importlib.machinery.ModuleSpec(module, None, origin=path)
    )
    sys.modules[module] = made
    exec(code, made.__dict__)
    return made


def foreign(path: str) -> bool:
    """Return whether a file belongs to Python, a package of the image or us."""
    return os.path.abspath(path).startswith(_FOREIGN)


def install(helpers: dict[str, Callable[..., Any]]) -> None:
    """Rewrite what the submission imports, too, and remember the functions that rewritten sources call."""
    HELPERS.update(helpers)
    sys.dont_write_bytecode = True
    loader = importlib.machinery.SourceFileLoader
    real_get, real_exec = loader.get_code, loader.exec_module

    def get_code(self: Any, fullname: str) -> Any:
        path = self.get_filename(fullname)
        if foreign(path):
            return real_get(self, fullname)
        return prepared(self.get_data(path), path)

    def exec_module(self: Any, module: types.ModuleType) -> None:
        if not foreign(self.path):
            module.__dict__["__builtins__"] = shared_builtins()
        real_exec(self, module)

    loader.get_code = get_code  # type: ignore[method-assign]
    loader.exec_module = exec_module  # type: ignore[method-assign]
    import runpy

    def run_path(path_name: str, init_globals: Any = None, run_name: str | None = None) -> dict[str, Any]:
        kept = sys.modules.get(run_name or "<run_path>")
        try:
            return run_script(os.fspath(path_name), run_name or "<run_path>").__dict__
        finally:
            if kept is not None:
                sys.modules[run_name or "<run_path>"] = kept

    runpy.run_path = run_path
