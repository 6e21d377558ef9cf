"""Walk a submission from its main script through everything it unpacks, imports or executes.

Promises one layer per readable source of the folder and per decoded payload, and a problem for every payload
that stayed closed; never an exception, whatever the text.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from audits.facts.code.facts import CodeProblem
from audits.facts.layer import Layer
from audits.location import Location
from audits.submission import SourceFile, Submission
from audits.unpack import native, prefilter
from audits.unpack.events import RunsFile, RunsText, Trace
from audits.unpack.folder_files import FolderFiles
from audits.unpack.limits import MAX_DEPTH, MAX_LAYERS
from audits.unpack.local_imports import LocalModules
from audits.unpack.machine import Machine
from audits.unpack.nodes import Node, last_of
from audits.unpack.syntax import MAX_PARSED_BYTES, parse_or_none
from audits.unpack.values import Data

MAX_STUB = 4096
"""A script up to this size that decompresses and executes is a starter for a payload kept beside it."""


@dataclass(frozen=True, slots=True)
class Unpacked:
    """Every readable source of a submission."""

    layers: tuple[Layer, ...]
    """Main script first, then other committed files by path, each followed by what was unpacked from it."""
    problems: tuple[CodeProblem, ...]
    main: Layer | None = None
    """The effective main script: the innermost executed layer, a sibling's when the main script runs that."""
    modules: tuple[tuple[str, Layer], ...] = ()
    """Import name to the effective layer of that module, for every local module that is reached."""


def unpack(submission: Submission) -> Unpacked:
    """Return all layers of the submission."""
    return _Walk(submission).run()


class _Walk:
    """One submission's walk."""

    def __init__(self, submission: Submission) -> None:
        self.submission = submission
        self.problems: list[CodeProblem] = []
        self.files: dict[str, Node] = {}
        self.native_files: list[Node] = []
        self.children: dict[str, list[Node]] = {}
        self.done: set[int] = set()
        self.queue: list[Node] = []
        self.path_changed = False
        for entry in submission.files:
            self._open(entry)
        self.local = LocalModules(self.files)

    def run(self) -> Unpacked:
        main = self.files.get(self.submission.main_script or "")
        if main is not None:
            main.executed = True
            self.queue.append(main)
        self._drain()
        for node in list(self.files.values()):
            # Helpers that nothing reaches are still opened when they hold a payload.
            if id(node) not in self.done and _may_unpack(node.source):
                self._process(node)
        self._drain()
        self._mark_native()
        return self._result(main)

    def _open(self, entry: SourceFile) -> None:
        language = "python" if entry.suffix == ".py" else native.LANGUAGES.get(entry.suffix)
        if language is None or entry.absent or entry.unread or (not entry.data and entry.size):
            return
        if entry.truncated and language == "python":
            self._problem(
                "size-cap", Node(entry.path, 0, ""), 1, f"{entry.size} bytes; only the head was read"
            )
        text = _text(entry.data)
        node = Node(entry.path, 0, text, language=language, raw_bytes=entry.size)
        if language == "python":
            self.files[entry.path] = node
        else:
            self.native_files.append(node)

    def _drain(self) -> None:
        while self.queue:
            self._process(self.queue.pop(0))

    def _process(self, node: Node) -> None:
        """Follow one Python source: what it imports, then what it executes."""
        if id(node) in self.done:
            return
        self.done.add(id(node))
        if node.executed:
            self._follow_imports(node)
        runs, payload = prefilter.runs_text(node.source), prefilter.holds_payload(node.source)
        natives = prefilter.holds_native(node.source)
        if not (runs or payload or natives):
            return
        tree = parse_or_none(node.source)
        if tree is None:
            if runs and payload:
                why = "it is too large" if len(node.source) > MAX_PARSED_BYTES else "its syntax is broken"
                self._problem("undecoded-payload", node, 1, f"holds a payload, but cannot be parsed: {why}")
            return
        if runs or payload:
            files = FolderFiles(self.submission, node.path)
            files.written.update(node.bundle)
            trace = Machine(files).run(tree)
            self._take(node, trace)
        if natives:
            for text, line, language in native.embedded(tree):
                self._child(
                    node, Data(text, line=line, raw_bytes=len(text)), line, language=language, executed=True
                )

    def _take(self, node: Node, trace: Trace) -> None:
        """Turn what a source does into layers and edges."""
        candidates: list[Node] = []
        lines: set[int] = set()
        trace.written.update({path: _settled(data, node) for path, data in trace.written.items()})
        for run in trace.runs:
            target = (
                self._run_file(node, run) if isinstance(run, RunsFile) else self._run_text(node, run, trace)
            )
            if isinstance(run, RunsText):
                lines.add(run.data.line)
            if target is not None and run.module in (None, "__main__"):
                candidates.append(target)
        node.successor = _successor(node, candidates)
        if node.executed:
            node.bundle = {**node.bundle, **trace.written}
            self._follow_imports(node)
        for text, language in trace.native:
            self._child(node, text, text.line, language=language, executed=True)
        self._leftovers(node, trace, lines)
        for trouble in trace.troubles:
            if node.executed or trouble.code != "undecoded-payload":
                self._problem(trouble.code, node, trouble.line, trouble.message)

    def _run_file(self, node: Node, run: RunsFile) -> Node | None:
        target = self.files.get(run.path)
        if target is not None and target is not node:
            self._reach(target, node, run.module if run.module != "__main__" else None)
        return target

    def _run_text(self, node: Node, run: RunsText, trace: Trace) -> Node | None:
        child = self._child(node, run.data, run.line, executed=node.executed, module=run.module)
        if child is not None and child.language == "python":
            child.bundle = {**node.bundle, **trace.written}
            self.queue.append(child)
        return child

    def _reach(self, target: Node, origin: Node, module: str | None) -> None:
        """Mark a file as reached and queue it; a name once given is kept."""
        main = self.submission.main_script
        if origin.executed:
            target.executed = True
            if target.module is None and target.path != main:
                target.module = module or (
                    None if origin.module is None and module is None else origin.module
                )
        self.queue.append(target)

    def _follow_imports(self, node: Node) -> None:
        bundled = self._follow_bundle(node) if node.bundle else frozenset()
        self.path_changed |= "sys.path" in node.source or "PYTHONPATH" in node.source
        for path, name in self.local.imported(node.source, node.path, self.path_changed).items():
            if name not in bundled:
                self._reach(self.files[path], node, name)

    def _follow_bundle(self, node: Node) -> frozenset[str]:
        """Reach modules that exist only as files the script writes, and return their names."""
        names = set()
        sources = {path.lstrip("/"): data for path, data in node.bundle.items() if path.endswith(".py")}
        for path, name in LocalModules(sources).imported(node.source, "").items():
            names.add(name)
            child = self._child(node, sources[path], 0, executed=node.executed, module=name)
            if child is not None and child.executed:
                child.bundle = node.bundle
                self.queue.append(child)
        return frozenset(names)

    def _child(
        self,
        node: Node,
        data: Data,
        line: int,
        *,
        executed: bool,
        module: str | None = None,
        language: str = "python",
    ) -> Node | None:
        """Return the layer for a text found inside a node, the same one when it was found before."""
        # Through bytes also when it is text: lone surrogates could not be printed later.
        text = _text(data.value if isinstance(data.value, bytes) else data.value.encode("utf-8", "replace"))
        siblings = self.children.setdefault(node.path, [])
        for known in siblings:
            if known.source == text:
                known.executed |= executed
                known.module = known.module or module
                return known
        if node.depth >= MAX_DEPTH or sum(map(len, self.children.values())) >= MAX_LAYERS:
            self._problem("too-deep", node, line or 1, "more layers than are followed")
            return None
        wrapper = node.wrapper_line if node.index else data.line or line or 1
        child = Node(
            path=node.path,
            index=len(siblings) + 1,
            source=text,
            encodings=data.codecs if data.settled else (*node.encodings, *data.codecs),
            wrapper_line=wrapper,
            language=language,
            executed=executed,
            module=module or (node.module if language == "python" else None),
            raw_bytes=data.raw_bytes,
            depth=node.depth + 1,
        )
        siblings.append(child)
        return child

    def _leftovers(self, node: Node, trace: Trace, executed_lines: set[int]) -> None:
        """Keep source text that is unpacked but not seen to be executed."""
        for path, data in trace.written.items():
            language = (
                "python" if path.endswith(".py") else native.LANGUAGES.get("." + path.rsplit(".", 1)[-1])
            )
            if language is not None and data.codecs:
                self._child(
                    node, data, data.line, executed=language != "python" and node.executed, language=language
                )
                executed_lines.add(data.line)
        for data in trace.decoded:
            if data.line not in executed_lines and _looks_like_python(data.value):
                self._child(node, data, data.line, executed=False)

    def _mark_native(self) -> None:
        """A native file counts as executed when reached Python names it."""
        reached = [node.source for node in self._all_python() if node.executed]
        for node in self.native_files:
            name = node.path.rsplit("/", 1)[-1]
            node.executed = any(name in source for source in reached)

    def _all_python(self) -> list[Node]:
        nested = [child for group in self.children.values() for child in group]
        return [node for node in [*self.files.values(), *nested] if node.language == "python"]

    def _problem(self, code: str, node: Node, line: int, message: str) -> None:
        location = Location(node.path, line, line, node.index)
        found = CodeProblem(code=code, location=location, message=message)
        if found not in self.problems:
            self.problems.append(found)

    def _result(self, main: Node | None) -> Unpacked:
        order = sorted(
            [*self.files.values(), *self.native_files], key=lambda node: (node is not main, node.path)
        )
        nodes = [part for node in order for part in (node, *self.children.get(node.path, []))]
        effective = last_of(main) if main is not None else None
        if effective is not None:
            effective.module = None
        frozen = {id(node): node.freeze() for node in nodes}
        modules: dict[str, Layer] = {}
        for node in nodes:
            if node.module and node.language == "python" and node.executed and node is not effective:
                modules[node.module] = frozen[id(last_of(node))]
        return Unpacked(
            layers=tuple(frozen[id(node)] for node in nodes),
            problems=tuple(self.problems),
            main=frozen[id(effective)] if effective is not None else None,
            modules=tuple(sorted(modules.items(), key=lambda item: item[0])),
        )


def _successor(node: Node, candidates: list[Node]) -> Node | None:
    """Return the layer that takes over, when it is larger than what the wrapper itself says."""
    if not candidates:
        return None
    best = max(candidates, key=lambda item: len(item.source))
    own = len(node.source) - sum(
        item.raw_bytes for item in candidates if item.path == node.path and item.index
    )
    # A stub of a few lines only ever starts something; a long host that runs a small text stays itself.
    takes_over = own < MAX_STUB or len(best.source) >= min(own, 20_000)
    return best if best is not node and takes_over else None


def _settled(data: Data, node: Node) -> Data:
    return data if data.settled else replace(data, codecs=(*node.encodings, *data.codecs), settled=True)


def _may_unpack(source: str) -> bool:
    small = len(source) < MAX_STUB and "decompress" in source
    return prefilter.holds_payload(source) or (small and prefilter.runs_text(source))


def _looks_like_python(value: str | bytes) -> bool:
    try:
        text = value if isinstance(value, str) else value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return "\n" in text and ("import " in text or "def " in text)


def _text(data: bytes) -> str:
    return data.decode("utf-8-sig", "replace")
