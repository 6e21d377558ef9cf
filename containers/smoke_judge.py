"""From what happened in the box to a label. The one place where a smoke run is interpreted.

Promises that a pass needs independent signs, each from a witness that the submission cannot write for: the
engine's exit status and clock, the files that the supervisor found, and the marks of our own parent process.
What a report alone says never makes a pass, and never takes a fault back. A sign that contradicts another is
named; one that only forging explains makes the label ESCAPE_ATTEMPT.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from containers.blame import missing_module, modules_of, not_in_repository, our_gap, placed
from containers.failure import FailureKind
from containers.result import Ending
from containers.smoke_attempts import attempts_of
from containers.smoke_report import read_report
from containers.smoke_result import Label, SmokeError, StageName
from containers.smoke_signs import ENVIRONMENTAL, forgery, signs_of, too_large

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from audits.launch import LaunchPlan
    from containers.request import SandboxRequest
    from containers.result import SandboxResult
    from containers.smoke_report import Mark, Reported
    from containers.smoke_result import Attempt, Sign

STAGES = (StageName.IMPORT, StageName.BUILD, StageName.FORWARD, StageName.RUN)
_FAILED = {
    StageName.IMPORT: Label.IMPORT_FAIL,
    StageName.BUILD: Label.BUILD_FAIL,
    StageName.FORWARD: Label.FORWARD_FAIL,
    StageName.RUN: Label.RUN_FAIL,
}
_NO_ENGINE = frozenset({FailureKind.NO_ENGINE, FailureKind.NO_PERMISSION, FailureKind.NO_IMAGE})
_DISK = "No space left on device"


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that a label is made from."""

    plan: LaunchPlan
    request: SandboxRequest
    box: SandboxResult
    reported: Reported
    attempts: tuple[Attempt, ...]
    signs: tuple[Sign, ...]


@dataclass(frozen=True, slots=True)
class Judgement:
    """A label with what it rests on."""

    label: Label
    stage: StageName
    reason: str
    error: SmokeError | None = None
    hint: str = ""


def case_of(plan: LaunchPlan, request: SandboxRequest, box: SandboxResult) -> Case:
    """Return the case of one run."""
    reported = read_report(box.report)
    attempts = attempts_of(reported, box)
    return Case(plan, request, box, reported, attempts, signs_of(plan, reported, box))


def judge(case: Case) -> Judgement:
    """Return the label. The first question that has an answer decides."""
    questions: tuple[Callable[[Case], Judgement | None], ...] = (
        _environment,
        _escape,
        _limits,
        _failed_stage,
        _ending,
        _signs,
    )
    for question in questions:
        found = question(case)
        if found is not None:
            return found
    if too_large(case.reported):
        why = "it ran to its end at tiny scale; at full size the model was too much for this box"
        return Judgement(Label.PASS, StageName.RUN, why)
    return Judgement(Label.PASS, StageName.RUN, "every stage ran to its end")


def reached(case: Case) -> StageName:
    """Return the stage that was under way when the run ended."""
    done = [mark.end.stage for mark in case.reported.marks]
    for stage in STAGES:
        if stage not in done:
            return stage
    return StageName.RUN


def _environment(case: Case) -> Judgement | None:
    """Ask whether the box worked at all."""
    failure = case.box.failure
    if case.box.ending is not Ending.NEVER_RAN and failure is None:
        return _silence(case)
    label = Label.NOT_RUN if failure is not None and failure.kind in _NO_ENGINE else Label.INFRA_FAULT
    reason = failure.message if failure is not None else "the box never ran"
    return Judgement(label, StageName.NONE, reason, hint=failure.hint if failure else "")


def _silence(case: Case) -> Judgement | None:
    """Ask whether our own program spoke: it does before anything of theirs is read."""
    if case.reported.parent is not None or case.box.report:
        return None
    said = case.box.output[-300:].decode("utf-8", "replace").strip().splitlines()
    reason = "our own program in the box never spoke" + (f": {said[-1]}" if said else "")
    return Judgement(Label.INFRA_FAULT, StageName.NONE, reason, hint="build the image again")


def _escape(case: Case) -> Judgement | None:
    """Ask whether it tried to leave, to stay, or to write the verdict."""
    hostile = next((entry for entry in case.attempts if entry.hostile), None)
    if hostile is not None:
        error = SmokeError("EscapeAttempt", f"{hostile.kind}: {hostile.detail}", hostile.path, hostile.line)
        reason = f"{hostile.kind} ({hostile.detail})" if hostile.detail else hostile.kind
        return Judgement(Label.ESCAPE_ATTEMPT, reached(case), reason, error)
    forged = forgery(case.reported, case.box) or _forged_answer(case)
    if forged:
        error = SmokeError("ForgedVerdict", forged)
        return Judgement(Label.ESCAPE_ATTEMPT, reached(case), f"a forged verdict: {forged}", error)
    return None


def _forged_answer(case: Case) -> str:
    """Return what our parent process says of an answer that was not its child's, else an empty string."""
    errors = (mark.error for mark in case.reported.marks if mark.error is not None)
    return next((error.message for error in errors if error.kind == "ForgedAnswer"), "")


def _limits(case: Case) -> Judgement | None:
    """Ask whether a limit of the box ended it."""
    for label, kind, reason in _spent(case):
        return Judgement(label, reached(case), reason, SmokeError(kind, reason))
    return None


def _spent(case: Case) -> Iterator[tuple[Label, str, str]]:
    """Yield the limits that explain the end."""
    box, limits = case.box, case.request.limits
    failed = _first_failed(case)
    # Who fills the box until its time is up has used up the box, not the time.
    killed = (
        failed is not None and failed.error is not None and failed.error.kind in ("Killed", "MemoryError")
    )
    if box.ending is Ending.TIMED_OUT and box.observed.forks_refused:
        yield Label.RESOURCE, "TooManyProcesses", f"more than {limits.pids} processes and threads"
    if box.ending is Ending.TIMED_OUT and box.observed.oom_kills and killed:
        yield Label.RESOURCE, "OutOfMemory", f"more than {limits.memory_bytes >> 20} MiB of memory"
    if box.ending is Ending.TIMED_OUT:
        yield Label.TIMEOUT, "TimedOut", f"still running after {limits.wall_seconds:g} s"
    if box.ending is Ending.OUT_OF_MEMORY:
        yield Label.RESOURCE, "OutOfMemory", f"more than {limits.memory_bytes >> 20} MiB of memory"
    if box.ending is Ending.FLOODED:
        yield Label.RESOURCE, "OutputFlood", f"{box.output_bytes:,} bytes of output"
    if failed is None and box.ending is Ending.EXITED and (box.exit_code == 0 or too_large(case.reported)):
        return
    error = failed.error if failed else None
    if error is not None and error.kind == "StageTimeoutError":
        yield Label.TIMEOUT, "TimedOut", error.message or "a stage took too long"
    if box.observed.forks_refused:
        yield Label.RESOURCE, "TooManyProcesses", f"more than {limits.pids} processes and threads"
    if box.observed.oom_kills:
        yield Label.RESOURCE, "OutOfMemory", f"more than {limits.memory_bytes >> 20} MiB of memory"
    if box.observed.scratch_full and (error is None or _DISK in error.message):
        yield Label.RESOURCE, "DiskFull", f"more than {limits.scratch_bytes >> 20} MiB of files"
    if error is not None and error.kind == "MemoryError":
        yield Label.RESOURCE, "OutOfMemory", error.message or "out of memory"


def _first_failed(case: Case) -> Mark | None:
    """Return the first stage that failed, none where only the full size was too much."""
    if too_large(case.reported):
        return None
    return next((mark for mark in case.reported.marks if mark.end.status == "failed"), None)


def _failed_stage(case: Case) -> Judgement | None:
    """Ask which stage failed first, and whose fault that is."""
    mark = _first_failed(case)
    if mark is None:
        return None
    stage = mark.end.stage
    error = mark.error or SmokeError("Error", mark.end.note or f"the stage {stage} failed")
    absent = not_in_repository(error, case.plan)
    if absent:
        return Judgement(Label.INFRA_FAULT, stage, f"the repository does not hold {absent}", error)
    gap = our_gap(error, case.plan, modules_of(case.plan), mark.gaps)
    error = placed(replace(error, missing_module=missing_module(error)), case.plan)
    if gap:
        return Judgement(Label.SHIM_GAP, stage, gap, error)
    reason = f"{error.kind}: {error.message}".strip().rstrip(":")
    return Judgement(_FAILED[stage], stage, reason[:500], error)


def _ending(case: Case) -> Judgement | None:
    """Ask whether the process ended as one that came to its end does."""
    box, stage = case.box, reached(case)
    if box.ending is Ending.SIGNALLED:
        error = SmokeError("Signal", f"killed by signal {box.signal}")
        return Judgement(_FAILED[stage], stage, error.message, error)
    missing = _unsaid(case)
    if missing and box.exit_code == 0:
        message = f"left with status 0 before the stage {missing[0]} had ended"
        return Judgement(_FAILED[missing[0]], missing[0], message, SmokeError("NeverReturned", message))
    if box.exit_code != 0 and not too_large(case.reported):
        error = SmokeError("ExitStatus", f"left with status {box.exit_code} in the stage {stage}")
        return Judgement(_FAILED[stage], stage, error.message, error)
    return None


def _unsaid(case: Case) -> list[StageName]:
    """Return the stages whose end nobody stated; a model that was not seen has no forward pass."""
    built = case.reported.mark(StageName.BUILD)
    unseen = built is not None and built.end.status != "ok"
    stages = [name for name in STAGES if name is not StageName.FORWARD] if unseen else list(STAGES)
    return [name for name in stages if case.reported.mark(name) is None]


def _signs(case: Case) -> Judgement | None:
    """Ask whether every sign that a pass needs is there."""
    absent = next((sign for sign in case.signs if not sign.seen), None)
    if absent is None:
        return None
    if absent.name in ENVIRONMENTAL:
        return Judgement(Label.INFRA_FAULT, StageName.RUN, absent.detail, hint="run it again")
    kind = "NoArtifact" if absent.name == "artifact in scratch" else "NoSign"
    reason = f"no sign of: {absent.name}" + (f" ({absent.detail})" if absent.detail else "")
    return Judgement(Label.RUN_FAIL, StageName.RUN, reason, SmokeError(kind, reason))
