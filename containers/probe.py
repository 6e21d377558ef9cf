"""Run one submission's real code several times in a box, on streams that differ, and say what follows.

Orders the steps only: look without running, ask the box, interpret. Promises a result for every plan, and
that nothing of the submission runs in this process or on this host outside the box.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

from containers.probe_job import ProbeOptions, request_of
from containers.probe_judge import case_of, judge
from containers.probe_result import ProbeResult, ProbeStatus, ProbeVerdict
from containers.smoke_figures import output_tail
from containers.smoke_result import Image, Seconds
from containers.smoke_static import static_problem

if TYPE_CHECKING:
    from audits.launch import LaunchPlan
    from containers.probe_judge import Finding, ProbeCase
    from containers.request import SandboxRequest
    from containers.smoke import Runner


def probe(
    plan: LaunchPlan,
    run: Runner,
    image: str,
    options: ProbeOptions | None = None,
    *,
    more_files: tuple[tuple[str, bytes], ...] = (),
) -> ProbeResult:
    """Return the probe of `plan`; `more_files` are those that the plan left out and that could be read."""
    started = perf_counter()
    problem = static_problem(plan)
    if problem is not None:
        return not_run(plan, problem.reason, status=ProbeStatus.RAN)
    request = request_of(plan, image, options or ProbeOptions(), more_files)
    case = case_of(run(request))
    return result_of(plan, request, case, judge(case), perf_counter() - started)


def result_of(
    plan: LaunchPlan, request: SandboxRequest, case: ProbeCase, found: Finding, total: float
) -> ProbeResult:
    """Return everything that is known of a probe under its verdict."""
    box, report = case.box, case.report
    return ProbeResult(
        verdict=found.verdict,
        reason=found.reason,
        conditions=found.conditions,
        status=found.status,
        phases=report.phases,
        whole=report.whole,
        runs=report.runs,
        coverage=report.coverage,
        attempts=case.attempts,
        tampering=case.tampering,
        signs=case.signs,
        seconds=Seconds(round(total, 3), round(box.wall_seconds, 3), round(box.overhead_seconds, 3)),
        image=Image(
            box.image or request.image,
            box.engine,
            box.engine_version,
            request.runtime or "",
            box.missing_isolation,
        ),
        inputs=plan.digest(),
        script=plan.script or "",
        hint=found.hint,
        output_tail=output_tail(box),
    )


def not_run(
    plan: LaunchPlan | None, reason: str, hint: str = "", status: ProbeStatus = ProbeStatus.NOT_RUN
) -> ProbeResult:
    """Return the result of a probe that did not take place: BLIND."""
    return ProbeResult(
        verdict=ProbeVerdict.BLIND,
        reason=reason,
        status=status,
        inputs=plan.digest() if plan else "",
        script=(plan.script or "") if plan else "",
        hint=hint,
    )
