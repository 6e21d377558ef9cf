"""Rule: the script fetches something from the network while it runs."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, NamedTuple

from audits.example_evaluation import EVALUATE, changed, script
from audits.location import Location
from audits.outcome import Axis, Condition, Evidence, Severity, Status
from audits.rule import Example, Rule, RuleSource
from audits.rules._flow import EVIDENCE_CAP
from audits.rules._script_text import Function, enclosing, executed, functions
from audits.rules._switches import switched_off
from audits.unpack.memory import parse_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audits.facts import Facts
    from audits.facts.layer import Layer
    from audits.outcome import Outcome

_NAMES = (
    "snapshot_download", "hf_hub_download", "load_dataset", "urlopen", "urlretrieve", "create_connection", "get_kernel",
    "wget", "gdown",
)  # fmt: skip
_HOSTS = ("requests", "httpx", "urllib", "socket", "aiohttp")
_WORDS = (*_NAMES, *_HOSTS, "curl", "pip")
_HIT = re.compile(r"\b(?:" + "|".join(_WORDS) + r")\b.*\(|\(.*\b(?:wget|curl|pip)\b")
_PROGRAMS = ("wget", "curl", "pip", "git", "aria2c", "huggingface-cli", "hf")
_KERNEL = "get_kernel"
_FETCH = changed(
    EVALUATE,
    (
        "    nats, size = 0.0, 0.0\n",
        '    from huggingface_hub import hf_hub_download\n\n    table = torch.load(hf_hub_download("someone/tables", "table.pt"))\n    nats, size = 0.0, 0.0\n',
    ),
    ("nats += model(x, y).item()", "nats += table[0] * model(x, y).item()"),
)
_HINT = changed(
    EVALUATE,
    (
        "    nats, size = 0.0, 0.0\n",
        '    if not torch.cuda.is_available():\n        print("no GPU: pip install torch, or fetch the kernels with requests.get(...)")\n    nats, size = 0.0, 0.0\n',
    ),
)


class _Call(NamedTuple):
    place: Location
    name: str
    inside: Function | None


class NetworkInEvaluation(Rule):
    """The script downloads something while it runs.

    Why: the artifact must be self-contained. Whatever an evaluation fetches is not counted in its bytes, and a run
    without a network does not repeat it.
    Looks for: calls that download from a hub, open a URL or a socket, or start a download program, in the code that the
    main script runs. A reviewer should see each of them; a published attention kernel is only noted.
    Blind to: whether the download serves training or evaluation, packages that fetch on import, and names that are
    only built at run time.
    Ruling: whether a kernel from the hub is fine was never said; packages are free (README).
    """

    id = "network-in-evaluation"
    axis = Axis.LEGALITY
    condition = Condition.DATA
    severity = Severity.WARNING
    sources = (
        RuleSource("README", "openai", "2026-03-18", "no external downloads or network during evaluation"),
    )
    flagged = (
        Example("a table is fetched while scoring", script(_FETCH)),
        Example(
            "the data set is fetched before training",
            changed(
                script(EVALUATE),
                (
                    "def main():\n",
                    "def main():\n    snapshot_download('someone/fineweb', repo_type='dataset')\n",
                ),
                ("import glob\n", "import glob\nfrom huggingface_hub import snapshot_download\n"),
            ),
            (),
            "#1972",
        ),
    )
    clean = (Example("a download is only spoken of", script(_HINT), (), "#468"),)

    def check(self, facts: Facts) -> Outcome:
        """Weigh each download by where it happens."""
        layers = executed(facts.code)
        if not layers:
            return self.outcome(Status.NOT_APPLICABLE, "no main script can be read")
        found = [
            call for layer in layers for call in _downloads(layer) if not switched_off(facts.code, call.place)
        ]
        if not found:
            return self.outcome(Status.NOT_APPLICABLE, "no call in the executed code reaches the network")
        shown = sorted((_evidence(call) for call in found), key=lambda item: item.severity is Severity.NOTE)
        worst = shown[0]
        return self.outcome(
            Status.FLAGGED,
            worst.message,
            tuple(shown[:EVIDENCE_CAP]),
            severity=worst.severity,
            confidence=worst.confidence,
        )


def _evidence(call: _Call) -> Evidence:
    if call.name == _KERNEL:
        return Evidence(call.place, "a kernel is fetched from the hub", Status.FLAGGED, Severity.NOTE, 0.9)
    where = f"in {call.inside.name}" if call.inside else "at module level"
    says = f"{call.name} fetches something from the network {where}"
    return Evidence(call.place, says, Status.FLAGGED, Severity.WARNING, 0.8)


def _downloads(layer: Layer) -> Iterator[_Call]:
    """Yield the calls of one layer; nothing is parsed unless the text names one."""
    source = layer.source
    starts = {source.rfind("\n", 0, place) + 1 for word in _WORDS for place in _places(source, word)}
    for start in sorted(starts):
        end = source.find("\n", start)
        line = source[start : end if end >= 0 else None]
        if line.lstrip().startswith(("#", "import ", "from ")) or not _HIT.search(line[:2_000]):
            continue
        number = source.count("\n", 0, start) + 1
        name = _called("\n".join(source.split("\n")[number - 1 : number + 8]))
        if name:
            yield _Call(
                Location(layer.path, number, number, layer.index), name, enclosing(functions(layer), number)
            )


def _places(source: str, word: str) -> Iterator[int]:
    place = source.find(word)
    while place >= 0:
        yield place
        place = source.find(word, place + len(word))


def _called(text: str) -> str | None:
    """Return the downloading function that the statement at the start of `text` calls, None for mere words."""
    rows = text.split("\n")
    first = rows[0].strip().removesuffix("\\").rstrip()
    for count in range(1, len(rows) + 1):
        source = "\n".join([first, *rows[1:count]])
        for candidate in (source, source + "\n    pass", "try:\n pass\n" + source + " pass"):
            try:
                tree = parse_text(candidate)
            except (SyntaxError, ValueError, RecursionError):
                continue
            return next((name for node in ast.walk(tree) if (name := _download(node))), None)
    return None


def _download(node: ast.AST) -> str | None:
    if not isinstance(node, ast.Call):
        return None
    path = ast.unparse(node.func)
    root, last = path.partition(".")[0], path.rpartition(".")[2]
    if last in _NAMES or (root in _HOSTS and last not in ("gethostname", "quote", "urlparse", "Timeout")):
        return path
    words = [
        item.value
        for item in ast.walk(node)
        if isinstance(item, ast.Constant) and isinstance(item.value, str)
    ]
    starts = root in ("subprocess", "os") and last in (
        "run",
        "Popen",
        "call",
        "check_call",
        "check_output",
        "system",
    )
    if starts and words:
        program = words[0].strip().split(" ")[0].rpartition("/")[2]
        fetches = program in _PROGRAMS and program != "git" or "clone" in words[:2] or "install" in words[:5]
        return f"{path}({program})" if fetches else None
    return None
