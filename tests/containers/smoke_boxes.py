"""What boxes return, built by hand: an honest run to the end, and ways to bend it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from audits.launch import LaunchPlan, launch_plan
from containers.request import SandboxRequest
from containers.result import Ending, Observed, SandboxResult, ScratchFile
from containers.smoke_job import SmokeOptions, request_of
from containers.smoke_judge import Judgement, case_of, judge
from containers.smoke_signs import RUN_FOLDER
from tests.audits.builders import make_submission

if TYPE_CHECKING:
    from collections.abc import Mapping

PARENT = 17
CHILD = 23
SCRIPT = "import torch\n\n\ndef main():\n    pass\n\n\nmain()\n"
ARTIFACT = ScratchFile(RUN_FOLDER + "final_model.int8.ptz", 48_000, "ab" * 32)


def make_plan(files: Mapping[str, str | bytes] | None = None) -> LaunchPlan:
    return launch_plan(make_submission({"train_gpt.py": SCRIPT} if files is None else files))


def mark(stage: str, status: str = "ok", seconds: float = 1.0, **more: Any) -> dict[str, Any]:
    return {
        "event": "stage",
        "stage": stage,
        "status": status,
        "seconds": seconds,
        "sender": PARENT,
        **more,
    }


def error(kind: str, message: str, **more: Any) -> dict[str, Any]:
    return {"class": kind, "message": message, "file": "train_gpt.py", "line": 3, **more}


def honest_lines() -> list[dict[str, Any]]:
    figures = {"dim": 512, "layers": 9, "vocab": 1024, "parameters": 17_059_912}
    return [
        {"event": "figure", "name": "startup_seconds", "value": 2.0, "sender": PARENT},
        mark("import", seconds=0.03),
        mark("build", seconds=2.0, figures=figures),
        mark("forward", seconds=1.0, figures={"causal": True, "train_loss": 6.93}),
        {"event": "shim", "name": "torch.compile", "detail": "identity", "sender": CHILD},
        {"event": "evaluation", "function": "eval_val", "val_loss": 6.9, "val_bpb": 3.87, "sender": CHILD},
        mark("run", seconds=6.0),
        {"event": "end", "status": "ok", "sender": PARENT},
    ]


def honest(*lines: dict[str, Any], **changes: Any) -> SandboxResult:
    box = SandboxResult(
        ending=Ending.EXITED,
        exit_code=0,
        wall_seconds=11.0,
        overhead_seconds=0.8,
        output=b"step 3/3\nfinal val_bpb:3.87\n",
        report=tuple(lines or honest_lines()),
        observed=Observed(files=(ARTIFACT,), peak_memory_bytes=700 << 20, complete=True),
        engine="docker",
        engine_version="20.10",
        image="sha256:" + "0" * 64,
    )
    return replace(box, **changes)


def stopped_at(stage: str, found: dict[str, Any]) -> SandboxResult:
    """Return a run that failed in one stage."""
    lines = []
    for line in honest_lines():
        if line.get("stage") == stage:
            lines.append(mark(stage, "failed", error=found))
            break
        lines.append(line)
    return honest(*lines, exit_code=1, observed=Observed(complete=True))


def observed(**changes: Any) -> Observed:
    return replace(Observed(files=(ARTIFACT,), complete=True), **changes)


def request_for(plan: LaunchPlan) -> SandboxRequest:
    return request_of(plan, "image", SmokeOptions())


def judged(box: SandboxResult, plan: LaunchPlan | None = None) -> Judgement:
    used = plan or make_plan()
    return judge(case_of(used, request_for(used), box))
