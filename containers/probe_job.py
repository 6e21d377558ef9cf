"""From a launch plan to the request that a probe's box carries out.

Promises the same request for the same plan and options; nothing of this host goes in.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from containers.request import Limits, SandboxRequest
from containers.smoke_job import SCHEMA, SEED

if TYPE_CHECKING:
    from audits.launch import LaunchPlan

COMMAND = ("python", "-m", "referee_inside.probe")
BEGIN_SHARE = 0.7
"""Of the box's time, in which runs may begin: those under way, comparing and reporting need the rest."""


@dataclass(frozen=True, slots=True)
class ProbeOptions:
    """How much a probe may take."""

    limits: Limits = field(default_factory=lambda: Limits(wall_seconds=600.0))
    run_seconds: float = 150.0
    """Processor time of one run of the script."""
    runtime: str | None = None
    """OCI runtime, such as `runsc`."""


def request_of(
    plan: LaunchPlan, image: str, options: ProbeOptions, more_files: tuple[tuple[str, bytes], ...] = ()
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


def _job(plan: LaunchPlan, options: ProbeOptions) -> dict[str, object]:
    wall = options.limits.wall_seconds
    return {
        "schema": SCHEMA,
        "kind": "probe",
        "script": plan.script,
        "argv": list(plan.arguments),
        "env": plan.env(),
        "nproc": plan.nproc or 1,
        "requirements": [entry.name for entry in plan.requirements],
        "headline_labels": sorted(plan.headline_labels),
        "seed": SEED,
        "clock": "virtual",
        "limits": {
            "run_seconds": min(options.run_seconds, wall),
            "probe_seconds": BEGIN_SHARE * wall,
            "memory_bytes": options.limits.memory_bytes,
        },
    }
