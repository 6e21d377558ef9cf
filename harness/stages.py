"""The registry of stages: everything that may follow the audit, what it needs and what a report says of it.

A stage takes frozen records and returns one. Reading and auditing always happen; a stage comes on top, may be
skipped, and then says so. One that raises is crashed, which is our fault and never the author's.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from audits.outcome import Axis, Condition, Outcome, Status

if TYPE_CHECKING:
    from audits.runner import AuditResult

MODULES: Final[tuple[str, ...]] = ("harness.smoke.stage", "harness.probe.stage")
"""Modules that hold a `STAGE`, in the order in which stages run. A new stage is one line here."""


@dataclass(frozen=True, slots=True)
class Given:
    """What a stage may use."""

    audit: AuditResult
    """The submission, its facts (None when they could not be read) and the outcomes of the rules."""
    earlier: Mapping[str, Any]
    """Records of the stages that it needs, by name. All are there, or it is not run."""
    options: Any = None
    """What the caller set for this stage; each stage names its type."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a report says of one stage. Plain text, theirs included: every format escapes it."""

    line: str
    """The result in one line."""
    rows: tuple[tuple[str, str], ...] = ()
    """Details as name and value, in reading order."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One step that may follow an audit."""

    name: str
    title: str
    """What it does, in one line for people."""
    axis: Axis
    """Where its crash is weighed."""
    condition: Condition
    needs: tuple[str, ...]
    """Stages whose record it takes."""
    run: Callable[[Given], Any]
    """Do the work and return a frozen record."""
    outcomes: Callable[[Any], tuple[Outcome, ...]]
    """Return what the record says on the axes of a verdict; ids start with the stage's name."""
    render: Callable[[Any], Shown]
    document: Callable[[Any], dict[str, Any]]
    """Return the record as JSON data, as its published schema describes it."""


@dataclass(frozen=True, slots=True)
class StageReport:
    """How one stage ended on one submission."""

    name: str
    title: str
    shown: Shown
    outcomes: tuple[Outcome, ...] = ()
    document: Mapping[str, Any] | None = None
    """None when the stage was skipped or crashed."""
    skipped: str = ""
    """Why it was not run, else empty."""
    record: Any = field(default=None, repr=False, compare=False)

    def as_json(self) -> dict[str, Any]:
        """Return what a run directory and a report keep of the stage."""
        return {
            "skipped": self.skipped,
            "outcomes": {entry.rule: entry.status.value for entry in self.outcomes},
            "line": self.shown.line,
            "result": dict(self.document) if self.document is not None else None,
        }


def registered() -> tuple[Stage, ...]:
    """Return every stage, in the order in which they run."""
    return tuple(import_module(name).STAGE for name in MODULES)


def run_stages(
    audit: AuditResult,
    options: Mapping[str, Any] | None = None,
    *,
    only: Collection[str] | None = None,
    skip: Mapping[str, str] | None = None,
    stages: Collection[Stage] | None = None,
) -> tuple[StageReport, ...]:
    """Run the stages on one submission and return how each ended, skipped ones included.

    `only` leaves the others out without a word; `skip` names stages not to run, with the reason.
    """
    chosen = registered() if stages is None else stages
    return tuple(_run(audit, chosen, options or {}, only, skip or {}))


def _run(
    audit: AuditResult,
    stages: Collection[Stage],
    options: Mapping[str, Any],
    only: Collection[str] | None,
    skip: Mapping[str, str],
) -> Iterator[StageReport]:
    """Yield how each stage ended; what needs a missing record is skipped."""
    records: dict[str, Any] = {}
    for stage in stages:
        if only is not None and stage.name not in only:
            continue
        missing = [name for name in stage.needs if name not in records]
        why = skip.get(stage.name, "") or (f"needs {', '.join(missing)}" if missing else "")
        if why:
            yield StageReport(stage.name, stage.title, Shown(f"skipped: {why}"), skipped=why)
            continue
        earlier = {name: records[name] for name in stage.needs}
        report = run_stage(stage, Given(audit, earlier, options.get(stage.name)))
        if report.record is not None:
            records[stage.name] = report.record
        yield report


def run_stage(stage: Stage, given: Given) -> StageReport:
    """Run one stage; what it raises becomes a crashed outcome. A mistake of the user's passes through."""
    from audits.errors import UserError

    try:
        record = stage.run(given)
        return report_of(stage, record)
    except UserError:
        raise
    except Exception:
        reason = f"the stage raised:\n{traceback.format_exc(limit=-20).strip()}"
        outcome = Outcome(stage.name, stage.axis, stage.condition, Status.CRASHED, reason)
        shown = Shown("crashed: a bug of Referee, not of the submission")
        return StageReport(stage.name, stage.title, shown, (outcome,))


def report_of(stage: Stage, record: Any) -> StageReport:
    """Return the report of a record that a stage returned, now or in an earlier run."""
    return StageReport(
        name=stage.name,
        title=stage.title,
        shown=stage.render(record),
        outcomes=stage.outcomes(record),
        document=stage.document(record),
        record=record,
    )
