"""The numbers of a run, each from the witness that can best tell it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from containers.smoke_report import number, whole
from containers.smoke_result import Figures, StageName
from containers.smoke_signs import artifact_of

if TYPE_CHECKING:
    from typing import Any

    from containers.result import SandboxResult
    from containers.smoke_judge import Case

TAIL_CHARS = 2000


def figures_of(case: Case) -> Figures:
    """Return the numbers of a run."""
    told, box = case.reported.figures, case.box
    imported = case.reported.mark(StageName.IMPORT)
    artifact = artifact_of(case.plan, box)
    data = dict(case.request.files).get(case.plan.script or "")
    last = case.reported.evaluations[-1] if case.reported.evaluations else None
    val_loss, val_bpb = number(told.get("val_loss")), number(told.get("val_bpb"))
    imported_in = number(told.get("import_seconds"))
    if imported is None or imported.end.status != "ok":
        imported_in = None
    elif imported_in is None:
        imported_in = imported.end.seconds
    return Figures(
        code_bytes=len(data) if data is not None else None,
        import_seconds=imported_in,
        parameters=whole(told.get("parameters")) or None,
        dim=whole(told.get("dim")),
        layers=whole(told.get("layers")),
        vocab=whole(told.get("vocab")),
        shrunk="build_shrunk" in told,
        causal=_flag(told.get("causal")),
        loss=number(told.get("train_loss")),
        artifact_bytes=artifact.size_bytes if artifact else None,
        artifact_bytes_full=whole(told.get("artifact_bytes_full")),
        val_loss=val_loss if val_loss is not None or last is None else last.val_loss,
        val_bpb=val_bpb if val_bpb is not None or last is None else last.val_bpb,
        peak_memory_bytes=box.peak_memory_bytes,
    )


def output_tail(box: SandboxResult) -> str:
    """Return the last lines that were printed."""
    return box.output[-4 * TAIL_CHARS :].decode("utf-8", "replace")[-TAIL_CHARS:]


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None
