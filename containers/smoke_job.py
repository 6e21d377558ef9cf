"""From a launch plan to the request that a box carries out.

Promises the same request for the same plan and options: seeds are fixed, nothing of this host goes in.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from containers.request import Limits, SandboxRequest

if TYPE_CHECKING:
    from audits.launch import LaunchPlan

SCHEMA = "referee-job/1"
COMMAND = ("python", "-m", "referee_inside.smoke")
SEED = 1337
STAGES = ("import", "build", "forward", "run")
REPOSITORY = ".repository"
"""Folder of a request for files that belong at the root of the repository, above the submission's."""


@dataclass(frozen=True, slots=True)
class SmokeOptions:
    """How much a smoke run may take."""

    limits: Limits = field(default_factory=lambda: Limits(wall_seconds=300.0))
    import_seconds: float = 60.0
    build_seconds: float = 45.0
    run_seconds: float = 150.0
    runtime: str | None = None
    """OCI runtime, such as `runsc`."""


def request_of(
    plan: LaunchPlan, image: str, options: SmokeOptions, more_files: tuple[tuple[str, bytes], ...] = ()
) -> SandboxRequest:
    """Return what is to be run; `more_files` are those that the plan left out and that could be read."""
    return SandboxRequest(
        image=image,
        files=tuple(sorted((*plan.files, *more_files))),
        job=json.dumps(_job(plan, options), sort_keys=True).encode(),
        command=COMMAND,
        limits=options.limits,
        runtime=options.runtime,
    )


def _job(plan: LaunchPlan, options: SmokeOptions) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "kind": "smoke",
        "script": plan.script,
        "argv": list(plan.arguments),
        "env": plan.env(),
        "nproc": plan.nproc or 1,
        "requirements": [entry.name for entry in plan.requirements],
        "stages": list(STAGES),
        "seed": SEED,
        "limits": {
            "import_seconds": options.import_seconds,
            "build_seconds": options.build_seconds,
            "run_seconds": options.run_seconds,
            "memory_bytes": options.limits.memory_bytes,
        },
    }
