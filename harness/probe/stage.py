"""The probe as a stage that may follow an audit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from audits.outcome import Axis, Condition
from harness.probe.outcome import outcomes_of
from harness.probe.shown import shown_of
from harness.stages import Stage

if TYPE_CHECKING:
    from containers.probe_result import ProbeResult
    from harness.probe.probing import Bench
    from harness.stages import Given


def _run(given: Given) -> ProbeResult:
    """Probe the submission in a box; the option is a `Bench`, or None for the usual one."""
    from containers.probe_job import ProbeOptions
    from harness.probe.probing import open_bench, probe_audited

    bench: Bench = given.options or open_bench(None, ProbeOptions())
    return probe_audited(bench, given.audit)


def _document(result: ProbeResult) -> dict[str, Any]:
    from harness.probe.document import to_document

    return to_document(result)


STAGE = Stage(
    name="probe",
    title="Its own evaluation, run several times on streams that differ where we choose.",
    axis=Axis.LEGALITY,
    condition=Condition.C1,
    needs=(),
    run=_run,
    outcomes=outcomes_of,
    render=shown_of,
    document=_document,
)
