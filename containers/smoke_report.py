"""Read the report lines of a smoke run into records. Everything in them is the claim of a hostile process.

Promises that whatever the lines hold, reading them raises nothing, and that texts, lists and numbers are
capped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from containers.smoke_result import Attempt, Evaluation, SmokeError, StageEnd, StageName, Used

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_TEXT = 1000
MAX_ITEMS = 200
_ABSURD = 1e15
_STAGES = {name.value: name for name in (StageName.IMPORT, StageName.BUILD, StageName.FORWARD, StageName.RUN)}
_FRAME = re.compile(r'File "([^"\n]{1,300})", line \d')
_MODULE_ROOT = "/submission/"


@dataclass(frozen=True, slots=True)
class Mark:
    """One statement that a stage ended, with who made it."""

    end: StageEnd
    error: SmokeError | None
    gaps: tuple[str, ...]
    """Names of the stand-ins that the failed stage found missing."""
    figures: dict[str, Any]
    sender: int | None
    """Process that sent it, as the supervisor saw; None where the engine cannot tell."""


@dataclass(frozen=True, slots=True)
class Reported:
    """Everything that the report lines say."""

    marks: tuple[Mark, ...]
    figures: dict[str, Any]
    shims: tuple[Used, ...]
    gaps: tuple[Used, ...]
    attempts: tuple[Attempt, ...]
    evaluations: tuple[Evaluation, ...]
    files: tuple[tuple[str, int], ...]
    """Path and bytes of files that the run says it wrote."""
    parent: int | None
    """Process that sent the first line: ours, before any code of theirs ran."""
    ends: tuple[int | None, ...]
    """Who said that the whole run had ended: our own program does, once."""

    def mark(self, stage: StageName) -> Mark | None:
        """Return the first statement about a stage."""
        return next((mark for mark in self.marks if mark.end.stage is stage), None)


def read_report(lines: Sequence[dict[str, Any]]) -> Reported:
    """Return what the lines say."""
    by_event: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        by_event.setdefault(str(line.get("event", ""))[:40], []).append(line)
    figures: dict[str, Any] = {}
    for line in by_event.get("figure", ())[: MAX_ITEMS * 5]:
        figures[text(line.get("name"), 60)] = line.get("value")
    marks = tuple(mark for line in by_event.get("stage", ())[:MAX_ITEMS] if (mark := _mark(line)) is not None)
    for mark in marks:
        figures.update(mark.figures)
    return Reported(
        marks=marks,
        figures=figures,
        shims=_used(by_event.get("shim", ())),
        gaps=_used(by_event.get("gap", ()), every=True),
        attempts=tuple(_attempt(line) for line in by_event.get("attempt", ())[:MAX_ITEMS]),
        evaluations=tuple(_evaluation(line) for line in by_event.get("evaluation", ())[:MAX_ITEMS]),
        files=tuple(
            (text(line.get("path"), 300), whole(line.get("bytes")) or 0)
            for line in by_event.get("file", ())[:MAX_ITEMS]
        ),
        parent=sender_of(lines[0]) if lines else None,
        ends=tuple(sender_of(line) for line in by_event.get("end", ())[:MAX_ITEMS]),
    )


def sender_of(line: dict[str, Any]) -> int | None:
    """Return the process that sent a line, as the supervisor noted it."""
    return whole(line.get("sender"))


def _mark(line: dict[str, Any]) -> Mark | None:
    stage, status = _STAGES.get(str(line.get("stage"))), line.get("status")
    if stage is None or status not in ("ok", "failed", "skipped"):
        return None
    known: Literal["ok", "failed", "skipped"] = status
    note = text(line.get("detail"), 400)
    figures = line.get("figures")
    return Mark(
        end=StageEnd(stage, known, number(line.get("seconds")), note, number(line.get("cpu_seconds"))),
        error=error_of(line.get("error")),
        gaps=_gaps(line.get("error")),
        figures=dict(list(figures.items())[:MAX_ITEMS]) if isinstance(figures, dict) else {},
        sender=sender_of(line),
    )


def error_of(found: object) -> SmokeError | None:
    """Return what a line says of an error, None where it says nothing."""
    if not isinstance(found, dict):
        return None
    path = text(found.get("file"), 300).removeprefix(_MODULE_ROOT)
    return SmokeError(
        kind=text(found.get("class"), 80) or "Error",
        message=text(found.get("message")),
        path=path,
        line=whole(found.get("line")) or None,
        text=text(found.get("text"), 300).strip(),
        missing_module=text(found.get("module"), 80).split(".")[0],
        raised_in=_innermost(found.get("traceback_tail")) or path,
    )


def _gaps(found: object) -> tuple[str, ...]:
    names = found.get("gaps") if isinstance(found, dict) else None
    return tuple(text(name, 60) for name in names[:MAX_ITEMS]) if isinstance(names, list) else ()


def _innermost(traceback: object) -> str:
    """Return the file of the last frame of a traceback, given as text or as lines."""
    lines = traceback if isinstance(traceback, list) else [traceback]
    whole_text = "\n".join(text(line, 20_000) for line in lines[-MAX_ITEMS:])
    frames = _FRAME.findall(whole_text)
    return str(frames[-1]) if frames else ""


def _used(lines: Iterable[dict[str, Any]], *, every: bool = False) -> tuple[Used, ...]:
    """Return the names once each (with `every`, each detail once), in the order in which they came up."""
    found: dict[str, Used] = {}
    for line in lines:
        name = text(line.get("name"), 120)
        if name and len(found) < MAX_ITEMS:
            used = Used(name, text(line.get("detail"), 300))
            found.setdefault(f"{name}\0{used.detail}" if every else name, used)
    return tuple(found.values())


def _attempt(line: dict[str, Any]) -> Attempt:
    path, _, number_ = text(line.get("line"), 300).rpartition(":")
    return Attempt(
        kind=text(line.get("kind"), 60),
        detail=text(line.get("detail"), 300),
        seen_by="process",
        hostile=False,
        path=path,
        line=int(number_) if number_.isascii() and number_.isdigit() and len(number_) < 9 else None,
    )


def _evaluation(line: dict[str, Any]) -> Evaluation:
    name = text(line.get("function"), 120)
    return Evaluation(name, number(line.get("val_loss")), number(line.get("val_bpb")))


def text(value: object, limit: int = MAX_TEXT) -> str:
    """Return text of at most `limit` characters, empty for what is none."""
    return value[:limit] if isinstance(value, str) else ""


def whole(value: object) -> int | None:
    """Return a whole number that is not absurd, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _ABSURD:
        return None
    return int(value) if value == int(value) else None


def number(value: object) -> float | None:
    """Return a finite number, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < _ABSURD else None
