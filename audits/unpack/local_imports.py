"""Which local modules a source imports, told from its import statements as text.

Text, because nearly all sources are parsed elsewhere anyway and need no second parse here. A line inside a
string may be taken for an import; that only adds a helper file to what is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

MAX_LINE = 2000
MAX_IMPORT_LINE = 20_000
_IMPORT = re.compile(
    r"(?:^|[;:])[ \t]*(?:from[ \t]+(\.*)([\w.]*)[ \t]+import[ \t]+([^;#\n]*)|import[ \t]+([^;#\n]*))",
    re.MULTILINE,
)
_DYNAMIC = re.compile(r"(?:import_module|__import__)\(\s*f?[\"']([\w.]{1,120})[\"']")
_PROCESS = re.compile(r"sys\.executable[^\n]{0,200}?[\"']([\w./-]{1,120}\.py)[\"']")


class LocalModules:
    """Finds files by the names under which they can be imported."""

    def __init__(self, paths: Iterable[str]) -> None:
        """Index Python files by dotted name and by last name."""
        self.by_name: dict[str, list[str]] = {}
        self.paths = frozenset(paths)
        for path in sorted(self.paths, key=lambda item: (item.count("/"), item)):
            dotted = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            parts = dotted.split(".")
            # Every tail of the path, because sys.path may be pointed at any folder.
            for start in range(len(parts)):
                self.by_name.setdefault(".".join(parts[start:]), []).append(path)
        self.stems = frozenset(name.split(".")[-1] for name in self.by_name)

    def imported(self, source: str, own_path: str, anywhere: bool = True) -> dict[str, str]:
        """Return local path to import name for everything the source imports.

        `anywhere` says that the search path may have been changed, so that any folder counts.
        """
        if not any(stem in source for stem in self.stems):
            return {}
        found: dict[str, str] = {}
        for dots, name, rest in _statements(source):
            for candidate in _candidates(dots, name, rest, own_path):
                path = self._nearest(candidate, own_path, anywhere)
                if path is not None and path != own_path:
                    found.setdefault(path, candidate)
        for match in _PROCESS.finditer(source):
            path = self._nearest(match[1].removesuffix(".py").replace("/", ".").lstrip("."), own_path, True)
            if path is not None and path != own_path:
                found.setdefault(path, path.rsplit("/", 1)[-1][:-3])
        return found

    def _nearest(self, name: str, own_path: str, anywhere: bool) -> str | None:
        """Return the file for a module name: beside the importer first, then the one nearest the top."""
        paths = self.by_name.get(name)
        if not paths:
            return None
        folder = own_path.rpartition("/")[0]
        plain = name.replace(".", "/")
        for root in (folder, "") if folder else ("",):
            start = f"{root}/{plain}" if root else plain
            for path in (f"{start}.py", f"{start}/__init__.py"):
                if path in paths:
                    return path
        return paths[0] if anywhere else None


def _statements(source: str) -> Iterable[tuple[str, str, str]]:
    """Yield (dots, module, imported names) for each import statement."""
    for match in _import_matches(source):
        if match[4] is not None:
            for part in match[4][:MAX_LINE].split(","):
                words = part.split()
                if words:
                    yield "", words[0], ""
        else:
            yield match[1], match[2], _names(match[3], source, match.end())
    for match in _DYNAMIC.finditer(source):
        yield "", match[1], ""


def _import_matches(source: str) -> Iterator[re.Match[str]]:
    """Yield import statements, looking only at lines that hold the word."""
    position = source.find("import")
    while position >= 0:
        start = source.rfind("\n", 0, position) + 1
        end = source.find("\n", position)
        end = len(source) if end < 0 else end
        yield from _IMPORT.finditer(source, start, min(end, start + MAX_IMPORT_LINE))
        position = source.find("import", end)


def _names(text: str, source: str, end: int) -> str:
    if text.lstrip().startswith("(") and ")" not in text:
        return text + source[end : end + MAX_LINE].split(")", 1)[0]
    return text[:MAX_LINE]


def _candidates(dots: str, name: str, rest: str, own_path: str) -> list[str]:
    """Return the dotted names an import may mean, the package itself and its members."""
    if dots:
        package = own_path.split("/")[: -len(dots)]
        name = ".".join([*package, *([name] if name else [])])
    members = [
        part.split()[0] for part in rest.strip("() \t\n").replace("\n", " ").split(",") if part.split()
    ]
    pieces = name.split(".") if name else []
    parents = [".".join(pieces[: index + 1]) for index in range(len(pieces))]
    return [*parents, *(f"{name}.{member}" if name else member for member in members[:64])]
