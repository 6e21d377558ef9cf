"""What a report says of a probe: the verdict in a line, and details as name and value.

Plain text; whoever renders it escapes it. Numbers at tiny scale are never shown beside claimed scores.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from containers.probe_result import Call, TestName, summary
from harness.smoke.shown import error_text
from harness.stages import Shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from containers.probe_result import ProbePhase, ProbeResult, ProbeTest


def shown_of(result: ProbeResult) -> Shown:
    """Return the result as reports show it."""
    return Shown(summary(result), tuple(_rows(result)))


def _rows(result: ProbeResult) -> Iterator[tuple[str, str]]:
    if result.hint:
        yield "hint", result.hint
    if result.tampering:
        yield "tampering", result.tampering
    if result.disagreement:
        yield "disagreement", result.disagreement
    for phase in result.phases:
        yield from _phase(phase)
    for test in result.whole:
        yield test.test.value, _test(test)
    yield from _covered(result)
    failed = [run for run in result.runs if run.error is not None]
    if failed and failed[0].error is not None:
        yield f"run {failed[0].run}", error_text(failed[0].error)
    if result.attempts:
        yield "tried", "; ".join(f"{entry.kind} {entry.detail}".strip() for entry in result.attempts[:8])
    if result.seconds.run:
        runs = f" for {len(result.runs)} runs" if result.runs else ""
        yield "seconds", f"{result.seconds.run:.1f} in the box{runs}, {result.seconds.overhead:.1f} around it"
    if result.image.engine:
        digest = result.image.digest.removeprefix("sha256:")[:12]
        yield "box", f"{result.image.engine} {result.image.engine_version} image {digest}"


def _phase(phase: ProbePhase) -> Iterator[tuple[str, str]]:
    """Yield a phase, every test of the headline, and of other phases what leaks."""
    which = "headline" if phase.headline else f"phase {phase.phase}"
    numbers = (("val_loss", phase.val_loss), ("val_bpb", phase.val_bpb))
    told = ", ".join(f"{name} {value:.4f}" for name, value in numbers if value is not None)
    what = f"{phase.function or 'no function'}, {phase.items:,} scores" + (f", {told}" if told else "")
    yield which, what + (" on tiny data: no score" if told else "")
    for test in phase.tests:
        if phase.headline or test.call is Call.LEAK:
            yield test.test.value, _test(test)


def _test(test: ProbeTest) -> str:
    name = f"{test.call} {test.condition}".strip()
    where = f" at {test.line}" if test.line and test.call is Call.LEAK else ""
    power = ", ".join(f"{key.replace('_', ' ')} {value:g}" for key, value in test.power.items())
    note = " (disputed: " + test.dispute + ")" if test.dispute else ""
    boundary = " (a finding of its own)" if test.test is TestName.BOUNDARY and test.call is Call.LEAK else ""
    return f"{name}: {test.reason}{where}{note}{boundary}" + (f" [power: {power}]" if power else "")


def _covered(result: ProbeResult) -> Iterator[tuple[str, str]]:
    seen = result.coverage
    if seen.evaluations:
        yield "evaluations", ", ".join(seen.evaluations[:10])
        yield (
            "executed",
            f"{seen.updates:,} optimizer steps, {seen.updates_in_evaluation:,} of them in an evaluation;"
            f" {seen.reloads:,} reloads of weights; {seen.saved:,} files written,"
            f" {seen.read_back:,} read back",
        )
    if seen.unseen:
        yield "did not run", "; ".join(seen.unseen[:5])
