"""Run one submission's real code in a box and say how far it came.

Orders the steps only: look without running, ask the box, interpret. Promises a result for every plan, and
that nothing of the submission runs in this process or on this host outside the box.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING

from containers.blame import missing_packages
from containers.smoke_figures import figures_of, output_tail
from containers.smoke_job import SmokeOptions, request_of
from containers.smoke_judge import case_of, judge
from containers.smoke_result import Image, Label, Seconds, SmokeResult, StageName, WrittenFile
from containers.smoke_static import static_problem, static_stage

if TYPE_CHECKING:
    from collections.abc import Collection

    from audits.launch import LaunchPlan
    from containers.request import SandboxRequest
    from containers.result import SandboxResult
    from containers.smoke_judge import Case, Judgement

FILES_KEPT = 50


Runner = Callable[["SandboxRequest"], "SandboxResult"]
"""Whatever carries out a request: an engine, or a recording in tests. An engine's fault is in the result."""


def smoke(
    plan: LaunchPlan,
    run: Runner,
    image: str,
    options: SmokeOptions | None = None,
    *,
    installed: Collection[str] = (),
    more_files: tuple[tuple[str, bytes], ...] = (),
) -> SmokeResult:
    """Return the smoke run of `plan`; `installed` are the import names that the image holds."""
    started = perf_counter()
    chosen = options or SmokeOptions()
    problem = static_problem(plan)
    if problem is not None:
        return problem
    request = request_of(plan, image, chosen, more_files)
    case = case_of(plan, request, run(request))
    return result_of(case, judge(case), perf_counter() - started, installed)


def result_of(case: Case, found: Judgement, total: float, installed: Collection[str]) -> SmokeResult:
    """Return everything that is known of a run under its label."""
    box, reported, plan = case.box, case.reported, case.plan
    missing = missing_packages(plan, installed) if installed else ()
    files = sorted(box.observed.files, key=lambda file: -file.size_bytes)[:FILES_KEPT]
    return SmokeResult(
        label=found.label,
        stage=found.stage,
        reason=found.reason,
        error=found.error,
        figures=figures_of(case),
        shims=reported.shims,
        seconds=Seconds(round(total, 3), round(box.wall_seconds, 3), round(box.overhead_seconds, 3)),
        image=Image(
            box.image or case.request.image,
            box.engine,
            box.engine_version,
            case.request.runtime or "",
            box.missing_isolation,
        ),
        inputs=plan.digest(),
        script=plan.script or "",
        stages=(static_stage(plan, missing), *(mark.end for mark in reported.marks)),
        signs=case.signs,
        gaps=reported.gaps,
        attempts=case.attempts,
        missing=missing,
        files=tuple(WrittenFile(file.path, file.size_bytes, file.sha256) for file in files),
        evaluations=reported.evaluations,
        hint=found.hint,
        output_tail=output_tail(box),
    )


def not_run(
    plan: LaunchPlan | None, reason: str, hint: str = "", label: Label = Label.NOT_RUN
) -> SmokeResult:
    """Return the result of a run that did not take place."""
    return SmokeResult(
        label=label,
        stage=StageName.NONE,
        reason=reason,
        hint=hint,
        inputs=plan.digest() if plan else "",
        script=(plan.script or "") if plan else "",
    )
