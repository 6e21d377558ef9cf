"""The calls that execute something: exec, runpy, module loaders, a second interpreter."""

from __future__ import annotations

from audits.unpack.events import RunsFile, RunsText, Trace
from audits.unpack.folder_files import ROOT
from audits.unpack.library import Library
from audits.unpack.readings import items_of, path_text
from audits.unpack.values import Code, Data, ModuleValue, Namespace, PathValue, Unknown, Value

_SUBPROCESS = frozenset(
    """subprocess.run subprocess.call subprocess.check_call subprocess.check_output subprocess.Popen os.system
    os.execv os.execvp os.execve os.execl os.execlp os.popen""".split()
)


class Runners:
    """Turns executing calls into entries of the trace."""

    def __init__(self, trace: Trace, library: Library) -> None:
        """Keep where to write and how to read files."""
        self.trace = trace
        self.library = library

    def run(self, name: str, args: list[Value], named: dict[str, Value], line: int) -> bool:
        """Record the call when it executes something; return whether it was such a call."""
        if name in ("builtins.exec", "builtins.eval"):
            self._execute(args, line, is_eval=name.endswith("eval"))
        elif name == "runpy.run_path":
            self._file(path_text(args[0]) if args else None, line, None)
        elif name == "runpy.run_module":
            self._module(args, line)
        elif name in _SUBPROCESS:
            self._process(args, line)
        elif name == "torch.utils.cpp_extension.load_inline" or name.endswith(".load_inline"):
            self._inline(named)
        elif name.endswith((".RawKernel", ".RawModule")):
            self.trace.native += [(arg, "cuda") for arg in args[:1] if isinstance(arg, Data)]
        else:
            return False
        return True

    def loader(self, module: ModuleValue, method: str, args: list[Value], line: int) -> None:
        """Record a module loader at work."""
        if method not in ("exec_module", "load_module"):
            return
        name = None if module.name == "__main__" else module.name or None
        self._file(module.path or None, line, name)

    def _execute(self, args: list[Value], line: int, *, is_eval: bool) -> None:
        source = args[0] if args else None
        compiled = isinstance(source, Code)
        if isinstance(source, Code):
            source = source.source
        module = args[1].module.name if len(args) > 1 and isinstance(args[1], Namespace) else None
        if isinstance(source, Data):
            if not is_eval or compiled or source.codecs:
                self._text(source, line, module)
        elif isinstance(source, Unknown) and source.why and not source.packed:
            return  # the cap that stopped it is already on record
        elif not is_eval or (isinstance(source, Unknown) and source.packed):
            why = (
                source.why
                if isinstance(source, Unknown) and source.why
                else "it depends on values known only when run"
            )
            self.trace.trouble(
                "undecoded-payload", line, f"executes text that cannot be told statically: {why}"
            )

    def _text(self, source: Data, line: int, module: str | None) -> None:
        if source.file and not source.codecs and self._is_whole_file(source):
            self.trace.runs.append(RunsFile(source.file, line, module))
        else:
            self.trace.runs.append(RunsText(source, line, module))

    def _is_whole_file(self, source: Data) -> bool:
        entry = self.library.files.submission.file(source.file)
        if entry is None:
            return False
        text = source.value.encode("utf-8", "replace") if isinstance(source.value, str) else source.value
        return text == entry.data or text == entry.data.removeprefix(b"\xef\xbb\xbf")

    def _file(self, path: str | None, line: int, module: str | None) -> None:
        if path is None:
            self.trace.trouble("outside-file", line, "runs a file whose path is known only when run")
            return
        written = self.library.files.read(path, True)
        located = self.library.files.locate(path)
        if isinstance(written, Data) and not written.file:
            self.trace.runs.append(RunsText(written, line, module))
        elif located is not None:
            self.trace.runs.append(RunsFile(located, line, module))
        else:
            shown = path.removeprefix(f"{ROOT}/")[:200]
            self.trace.trouble("outside-file", line, f"runs {shown}, which is not in the folder")

    def _module(self, args: list[Value], line: int) -> None:
        name = path_text(args[0]) if args else None
        if name is not None:
            located = self.library.files.locate(name.replace(".", "/") + ".py")
            if located is not None:
                self.trace.runs.append(RunsFile(located, line, None))

    def _process(self, args: list[Value], line: int) -> None:
        """Follow a second interpreter started on a script of the folder."""
        first = args[0] if args else None
        words: list[Value] = items_of(first) or [] if isinstance(first, list | tuple) else list(args)
        if isinstance(first, Data) and isinstance(first.value, str):
            words = [first.like(word) for word in first.value.split()[:64]]
        for word in words[:64]:
            text = path_text(word) if isinstance(word, Data | PathValue) else None
            if text is None or not text.endswith(".py"):
                continue
            located = self.library.files.locate(text)
            if located is not None and located != self.library.files.own_path:
                stem = located.rsplit("/", 1)[-1][:-3]
                self.trace.runs.append(RunsFile(located, line, stem))
                return

    def _inline(self, named: dict[str, Value]) -> None:
        for key, language in (("cpp_sources", "c"), ("cuda_sources", "cuda")):
            value = named.get(key)
            for item in [value] if isinstance(value, Data) else items_of(value) or []:
                if isinstance(item, Data):
                    self.trace.native.append((item, language))
