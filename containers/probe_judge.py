"""From what happened in a probe's box to a verdict. The one place where a probe is interpreted.

Promises that a verdict rests on lines of our own parent process alone, told apart by the supervisor; that a
missing line, a missing sign or a forged one never leaves more than BLIND; that CLEAN needs each asked test to
have ended CLEAN, and to have shown that it could have found something.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from containers.failure import FailureKind
from containers.probe_report import read_probe
from containers.probe_result import ASKED, OF_THE_RUN, Call, ProbeStatus, ProbeVerdict, TestName
from containers.result import Ending
from containers.smoke_attempts import attempts_of
from containers.smoke_result import Sign
from containers.smoke_signs import CLOCK_SLACK_SECONDS, SAW_THE_END, TOLD_APART

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from containers.probe_report import ProbeReport
    from containers.probe_result import ProbePhase, ProbeTest
    from containers.result import SandboxResult
    from containers.smoke_result import Attempt

FIRST, AGAIN = "A", "A2"
SIDE_BY_SIDE = 2
"""Runs that the parent lets go at a time."""
POWER = ("later_changed", "planted_caught")
"""Positive controls without which a clean suffix test proves nothing."""
_NO_ENGINE = frozenset({FailureKind.NO_ENGINE, FailureKind.NO_PERMISSION, FailureKind.NO_IMAGE})


@dataclass(frozen=True, slots=True)
class ProbeCase:
    """Everything that a verdict is made from."""

    box: SandboxResult
    report: ProbeReport
    attempts: tuple[Attempt, ...]
    signs: tuple[Sign, ...]
    tampering: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict with what it rests on."""

    verdict: ProbeVerdict
    reason: str
    conditions: tuple[str, ...] = ()
    status: ProbeStatus = ProbeStatus.RAN
    hint: str = ""


def case_of(box: SandboxResult) -> ProbeCase:
    """Return the case of one box."""
    report = read_probe(box.report)
    attempts = attempts_of(report.base, box)
    return ProbeCase(box, report, attempts, tuple(_signs(report, box)), _tampering(report, box, attempts))


def judge(case: ProbeCase) -> Finding:
    """Return the verdict. The first question that has an answer decides."""
    questions: tuple[Callable[[ProbeCase], Finding | None], ...] = (
        _environment,
        _told_apart,
        _leak,
        _tampered,
        _ended,
        _first_run,
        _watched,
        _whole_blind,
    )
    for question in questions:
        found = question(case)
        if found is not None:
            return found
    headline = _headline(case)
    assert headline is not None
    return _settled(headline)


def _signs(report: ProbeReport, box: SandboxResult) -> Iterator[Sign]:
    """Yield every sign that a verdict but BLIND needs, seen or not."""
    exited = box.ending is Ending.EXITED and box.exit_code == 0
    yield Sign("exit status 0", exited, "engine", f"{box.ending}, status {box.exit_code}")
    yield Sign(SAW_THE_END, box.observed.complete, "supervisor", "the last look is missing")
    yield Sign(TOLD_APART, bool(report.base.parent), "supervisor", "it cannot tell who sent a line")
    ended = report.base.ends == (report.base.parent,) and report.base.parent is not None
    yield Sign("the parent came to its end", ended, "parent", "" if ended else "no last line of ours")
    whole = not report.broken and not box.observed.report_lines_dropped
    yield Sign("every line was read", whole, "host", f"{report.broken} of ours could not be read")


def _tampering(report: ProbeReport, box: SandboxResult, attempts: tuple[Attempt, ...]) -> str:
    """Return what shows that somebody forged lines or looked for us, else an empty string."""
    return next(iter(_contradictions(report, box, attempts)), "")


def _contradictions(report: ProbeReport, box: SandboxResult, attempts: tuple[Attempt, ...]) -> Iterator[str]:
    for entry in attempts:
        if entry.hostile:
            yield f"{entry.kind} ({entry.detail})" if entry.detail else entry.kind
    if report.forged and report.base.parent is not None:
        yield f"a process other than ours sent lines of ours: {', '.join(report.forged)}"
    for said in report.twice:
        yield f"said twice: {said}"
    if sum(phase.headline for phase in report.phases) > 1:
        yield "two phases are said to be the headline"
    spent = sum(run.seconds or 0.0 for run in report.runs)
    if box.wall_seconds and spent > SIDE_BY_SIDE * box.wall_seconds + 10 * CLOCK_SLACK_SECONDS:
        yield f"runs of {spent:.0f} s in a box of {box.wall_seconds:.0f} s"
    errors = (run.error for run in report.runs if run.error is not None)
    if any(error.kind == "ForgedAnswer" for error in errors):
        yield "an answer for a run that is not our program's"


def _environment(case: ProbeCase) -> Finding | None:
    """Ask whether the box worked, and whether our own program spoke."""
    box = case.box
    if box.ending is Ending.NEVER_RAN or box.failure is not None:
        failure = box.failure
        absent = failure is not None and failure.kind in _NO_ENGINE
        status = ProbeStatus.NOT_RUN if absent else ProbeStatus.INFRA_FAULT
        reason = failure.message if failure is not None else "the box never ran"
        return _blind(reason, status, failure.hint if failure else "")
    if case.report.base.parent is None and not box.report:
        said = box.output[-300:].decode("utf-8", "replace").strip().splitlines()
        reason = "our own program in the box never spoke" + (f": {said[-1]}" if said else "")
        return _blind(reason, ProbeStatus.INFRA_FAULT, "build the image again")
    return None


def _tampered(case: ProbeCase) -> Finding | None:
    return _blind(f"tampering: {case.tampering}") if case.tampering else None


def _told_apart(case: ProbeCase) -> Finding | None:
    """Ask whether anybody in the box could have written our parent's lines."""
    absent = next((sign for sign in case.signs if sign.name == TOLD_APART and not sign.seen), None)
    return _blind(absent.detail, hint="use an engine that tells: docker or podman") if absent else None


def _leak(case: ProbeCase) -> Finding | None:
    """Ask whether a difference was measured; what came after it takes nothing of it back."""
    headline = _headline(case)
    found = [
        test
        for test in (*(headline.tests if headline else ()), *case.report.whole)
        if test.call is Call.LEAK and test.test is not TestName.BOUNDARY
    ]
    if not found:
        return None
    reason = found[0].reason if len(found) == 1 else "; ".join(f"{t.test}: {t.reason}" for t in found)
    conditions = tuple(sorted({test.condition for test in found if test.condition}))
    return Finding(ProbeVerdict.LEAK, reason, conditions)


def _ended(case: ProbeCase) -> Finding | None:
    """Ask whether the box came to its end by itself, with every sign of it."""
    if case.box.ending is Ending.TIMED_OUT:
        return _blind("the time of the box ran out before the tests were done", hint="give it more --seconds")
    absent = next((sign for sign in case.signs if not sign.seen), None)
    if absent is None or _failed_run(case, FIRST):
        return None
    return _blind(f"no sign of: {absent.name}" + (f" ({absent.detail})" if absent.detail else ""))


def _first_run(case: ProbeCase) -> Finding | None:
    """Ask whether the script ran to its end as it is, twice."""
    for name in (FIRST, AGAIN):
        failed = _failed_run(case, name)
        if failed:
            return _blind(failed)
    return None


def _failed_run(case: ProbeCase, name: str) -> str:
    """Return why a run did not come to its end, empty where it did."""
    run = next((entry for entry in case.report.runs if entry.run == name), None)
    if run is None:
        return f"run {name} was not made"
    if run.status == "ok":
        return ""
    if run.status == "skipped":
        return f"run {name} was not made: {run.reason}"
    error = run.error
    return f"run {name} failed" + (f": {error.kind}: {error.message}"[:400] if error else "")


def _watched(case: ProbeCase) -> Finding | None:
    """Ask whether the reported number was found among what was watched, and the asked tests could see."""
    headline = _headline(case)
    if headline is None:
        return _blind("no evaluation adds up to the number that the run reports last")
    for name in ASKED:
        test = headline.test(name)
        if test is None:
            return _blind(f"the test {name} is missing")
        if test.call is Call.BLIND:
            return _blind(f"{name}: {test.reason}")
    return None


def _whole_blind(case: ProbeCase) -> Finding | None:
    """Ask whether the tests of the run as a whole could see."""
    told = {test.test: test for test in case.report.whole}
    for name in OF_THE_RUN:
        test = told.get(name)
        if test is None:
            return _blind(f"the test {name} is missing")
        if test.call is Call.BLIND:
            return _blind(f"{name}: {test.reason}")
    return None


def _settled(headline: ProbePhase) -> Finding:
    """Return CLEAN where every asked test was run and showed power, else UNCLEAR."""
    tests = [test for name in ASKED if (test := headline.test(name)) is not None]
    left = next((test for test in tests if test.call is Call.NOT_RUN), None)
    if left is not None:
        return Finding(ProbeVerdict.UNCLEAR, f"{left.test} was not run: {left.reason}")
    suffix = next(test for test in tests if test.test is TestName.SUFFIX)
    weak = [name for name in POWER if not suffix.power.get(name)]
    if weak:
        missing = ", ".join(name.replace("_", " ") for name in weak)
        return Finding(ProbeVerdict.UNCLEAR, f"the suffix test showed no power: {missing} is zero or missing")
    return Finding(ProbeVerdict.CLEAN, _clean(headline, suffix))


def _clean(headline: ProbePhase, suffix: ProbeTest) -> str:
    where = f" of {headline.function}" if headline.function else ""
    return f"no violation seen in {headline.items:,} scores{where}; {suffix.reason}"


def _headline(case: ProbeCase) -> ProbePhase | None:
    return next((phase for phase in case.report.phases if phase.headline), None)


def _blind(reason: str, status: ProbeStatus = ProbeStatus.RAN, hint: str = "") -> Finding:
    return Finding(ProbeVerdict.BLIND, reason[:600], status=status, hint=hint)
