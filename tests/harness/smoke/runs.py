"""Smoke results built by hand, and a workshop whose box is a recording."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from audits.launch import launch_plan
from containers.smoke import smoke
from containers.smoke_result import Label, SmokeError, SmokeResult, StageName
from harness.smoke.workshop import Setup, Workshop
from tests.audits.builders import make_submission
from tests.containers.smoke_boxes import SCRIPT, honest

if TYPE_CHECKING:
    from containers.request import SandboxRequest
    from containers.result import SandboxResult

HOSTILE = "\x1b[31m@everyone <img src=x> `|"


def passed() -> SmokeResult:
    """Return an honest run to the end."""
    plan = launch_plan(make_submission({"train_gpt.py": SCRIPT}))
    return smoke(plan, lambda request: honest(), "referee-smoke:test")


def failed(label: Label, error: SmokeError | None = None, **changes: Any) -> SmokeResult:
    """Return a run that ended otherwise."""
    reason = f"{error.kind}: {error.message}" if error else "because"
    return replace(passed(), label=label, stage=StageName.IMPORT, reason=reason, error=error, **changes)


def recorded(*boxes: SandboxResult) -> tuple[Workshop, list[SandboxRequest]]:
    """Return a workshop that answers with these boxes in turn (the last one again), and what it was asked."""
    asked: list[SandboxRequest] = []

    def run(request: SandboxRequest) -> SandboxResult:
        asked.append(request)
        return boxes[min(len(asked), len(boxes)) - 1]

    return Workshop(Setup(), "referee-smoke:test", "docker", run), asked
