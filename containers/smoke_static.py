"""What can be said before anything runs: a submission without a readable script cannot be run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from containers.smoke_result import Figures, Label, SmokeError, SmokeResult, StageEnd, StageName

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audits.launch import LaunchPlan
    from containers.smoke_result import Missing


def static_problem(plan: LaunchPlan) -> SmokeResult | None:
    """Return the result of a submission that cannot be started, None when it can."""
    if plan.script is None:
        return _stopped(plan, Label.IMPORT_FAIL, "NoScript", "the folder holds no training script")
    absent = next((entry for entry in plan.left_out if entry.path == plan.script), None)
    if absent is not None and not absent.readable:
        message = f"{plan.script} cannot be read: {absent.why}"
        return _stopped(plan, Label.INFRA_FAULT, "AbsentScript", message)
    data = dict(plan.files).get(plan.script)
    if data is not None and not data.strip():
        return _stopped(plan, Label.IMPORT_FAIL, "EmptyScript", f"{plan.script} is empty")
    return None


def static_stage(plan: LaunchPlan, missing: Sequence[Missing]) -> StageEnd:
    """Return what looking alone tells: imports and declared requirements that the image does not hold."""
    absent = [entry.package for entry in missing if not entry.guarded]
    asked = sorted({entry.name for entry in plan.requirements} & {name.replace("_", "-") for name in absent})
    notes = [f"not in the image: {', '.join(absent)}"] if absent else []
    if asked:
        notes.append(f"declared in {plan.requirements[0].path}: {', '.join(asked)}")
    return StageEnd(StageName.STATIC, "ok", None, "; ".join(notes)[:400])


def _stopped(plan: LaunchPlan, label: Label, kind: str, message: str) -> SmokeResult:
    data = dict(plan.files).get(plan.script or "")
    return SmokeResult(
        label=label,
        stage=StageName.STATIC,
        reason=message,
        error=SmokeError(kind, message, plan.script or ""),
        figures=Figures(code_bytes=len(data) if data is not None else None),
        inputs=plan.digest(),
        script=plan.script or "",
    )
