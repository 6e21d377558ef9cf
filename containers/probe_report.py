"""Read the report lines of a probe into records. Only our parent process is believed.

Promises that whatever the lines hold, reading them raises nothing, that texts, lists and numbers are capped,
and that a line of anybody else is kept apart as what it is: forged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from containers.probe_result import (
    Call,
    Executed,
    ProbeCoverage,
    ProbePhase,
    ProbeRun,
    ProbeTest,
    TestName,
)
from containers.smoke_report import MAX_ITEMS, error_of, number, read_report, sender_of, text, whole
from containers.smoke_signs import RUN_FOLDER, RUN_ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from containers.smoke_report import Reported

RUN, PHASE, WHOLE = "probe-run", "probe-phase", "probe-whole"
COVERAGE, LINES = "probe-coverage", "probe-lines"
OURS = frozenset({RUN, PHASE, WHOLE, COVERAGE, LINES, "end"})
"""Lines that nobody but our parent process writes."""
RECORD_FOLDER = RUN_FOLDER.removeprefix(RUN_ROOT)
"""Where the submission lies in the repository that the box lays out."""
MAX_PHASES = 60
MAX_FILES = 40
MAX_RANGES = 20_000
_CONDITIONS = ("C1", "C2", "C3", "C4", "DATA", "BPB")


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """Everything that the lines say."""

    base: Reported
    """What every box reports: figures, attempts, who the parent is."""
    runs: tuple[ProbeRun, ...]
    phases: tuple[ProbePhase, ...]
    whole: tuple[ProbeTest, ...]
    coverage: ProbeCoverage
    forged: tuple[str, ...]
    """Kinds of lines of ours that somebody else sent."""
    twice: tuple[str, ...]
    """What was said twice: a run, a phase, a test of the whole."""
    broken: int
    """Lines of ours that could not be read."""


def read_probe(lines: Sequence[dict[str, Any]]) -> ProbeReport:
    """Return what the lines say."""
    base = read_report(lines)
    ours = [line for line in lines if sender_of(line) == base.parent]
    others = [line for line in lines if sender_of(line) != base.parent]
    runs, lost_runs = _all(_run, ours, RUN)
    phases, lost_phases = _all(_phase, ours, PHASE)
    tests, lost_tests = _all(_test, ours, WHOLE)
    return ProbeReport(
        base=base,
        runs=tuple(runs),
        phases=tuple(phases),
        whole=tuple(tests),
        coverage=_coverage(ours),
        forged=tuple(sorted({_event(line) for line in others} & OURS)),
        twice=(
            *_repeated(f"run {run.run}" for run in runs),
            *_repeated(f"phase {phase.phase}" for phase in phases),
            *_repeated(f"test {test.test}" for test in tests),
            *(("end",) if len(base.ends) > 1 else ()),
        ),
        broken=lost_runs + lost_phases + lost_tests,
    )


def _event(line: dict[str, Any]) -> str:
    return str(line.get("event", ""))[:40]


def _all(read: Any, lines: Iterable[dict[str, Any]], event: str) -> tuple[list[Any], int]:
    """Return the records of one kind of line, and how many could not be read."""
    found = [read(line) for line in lines if _event(line) == event][:MAX_PHASES]
    known = [record for record in found if record is not None]
    return known, len(found) - len(known)


def _repeated(names: Iterable[str]) -> Iterable[str]:
    listed = list(names)
    return (name for name in dict.fromkeys(listed) if listed.count(name) > 1)


def _run(line: dict[str, Any]) -> ProbeRun | None:
    name, status = text(line.get("run"), 20), line.get("status")
    if not name or status not in ("ok", "failed", "skipped"):
        return None
    known: Literal["ok", "failed", "skipped"] = status
    error = error_of(line.get("error")) if known == "failed" else None
    spent = number(line.get("cpu_seconds"))
    return ProbeRun(name, known, number(line.get("seconds")), spent, error, text(line.get("reason"), 300))


def _phase(line: dict[str, Any]) -> ProbePhase | None:
    index, tests = whole(line.get("phase")), line.get("tests")
    if index is None or not isinstance(tests, list):
        return None
    read = [_test(entry) for entry in tests[:MAX_ITEMS]]
    if any(entry is None for entry in read):
        return None
    return ProbePhase(
        phase=index,
        function=text(line.get("function"), 120),
        line=text(line.get("line"), 300).removeprefix(RECORD_FOLDER),
        val_loss=number(line.get("val_loss")),
        val_bpb=number(line.get("val_bpb")),
        headline=line.get("headline") is True,
        items=_count(line.get("items")),
        tests=tuple(entry for entry in read if entry is not None),
    )


def _test(found: object) -> ProbeTest | None:
    """Return one test; a name or an end that we do not know makes the line unreadable."""
    if not isinstance(found, dict):
        return None
    try:
        test, call = TestName(str(found.get("test"))), Call(str(found.get("call")))
    except ValueError:
        return None
    condition = text(found.get("condition"), 8)
    if call is Call.LEAK and test is not TestName.BOUNDARY and condition not in _CONDITIONS:
        return None
    position = whole(found.get("position"))
    return ProbeTest(
        test=test,
        call=call,
        reason=text(found.get("reason"), 600),
        condition=condition if condition in _CONDITIONS else "",
        pattern=text(found.get("pattern"), 60),
        position=-1 if position is None else position,
        count=_count(found.get("count")),
        total=_count(found.get("total")),
        magnitude=number(found.get("magnitude")) or 0.0,
        line=text(found.get("line"), 300).removeprefix(RECORD_FOLDER),
        power=_numbers(found.get("power")),
        figures=_figures(found.get("figures")),
    )


def _numbers(found: object) -> dict[str, float]:
    """Return names with finite numbers; a truth counts as 1."""
    if not isinstance(found, dict):
        return {}
    pairs = [
        (text(name, 60), number(float(value) if isinstance(value, bool) else value))
        for name, value in list(found.items())[:MAX_ITEMS]
    ]
    return {name: value for name, value in pairs if value is not None}


def _figures(found: object) -> dict[str, float | str]:
    """Return names with numbers, or with short texts of what is none."""
    if not isinstance(found, dict):
        return {}
    made: dict[str, float | str] = {}
    for name, value in list(found.items())[:MAX_ITEMS]:
        known = number(value)
        made[text(name, 60)] = known if known is not None else str(value)[:300]
    return made


def _coverage(lines: Sequence[dict[str, Any]]) -> ProbeCoverage:
    told = next((line for line in lines if _event(line) == COVERAGE), {})
    names = told.get("evaluations")
    files = [line for line in lines if _event(line) == LINES][:MAX_FILES]
    return ProbeCoverage(
        evaluations=tuple(text(name, 120) for name in names[:MAX_ITEMS]) if isinstance(names, list) else (),
        updates=_count(told.get("updates")),
        updates_in_evaluation=_count(told.get("updates_in_evaluation")),
        reloads=_count(told.get("reloads")),
        saved=_count(told.get("saved")),
        read_back=_count(told.get("read_back")),
        executed=tuple(_executed(line) for line in files),
    )


def _count(found: object) -> int:
    return max(0, whole(found) or 0)


def _executed(line: dict[str, Any]) -> Executed:
    texts = line.get("lines")
    pieces = [text(piece, 4000) for piece in texts[:MAX_ITEMS]] if isinstance(texts, list) else []
    path = text(line.get("file"), 300).removeprefix(RECORD_FOLDER)
    return Executed(path, ",".join(pieces)[:MAX_RANGES])
