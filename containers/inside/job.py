"""The job as the host wrote it. Promises defaults for everything but the script."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

STAGES = ("import", "build", "forward", "run")
SCHEMA = "referee-job/1"


@dataclass(frozen=True, slots=True)
class Job:
    """What to run, as read from `/job/job.json`."""

    script: str
    """Path of the script relative to the submission's folder."""
    argv: tuple[str, ...] = ()
    """Arguments after the script."""
    env: tuple[tuple[str, str], ...] = ()
    """The environment of the documented run; what sets scale is scaled where it is read."""
    nproc: int = 1
    """Processes of the documented run; above 1 the script finds the variables of a launcher."""
    stages: tuple[str, ...] = STAGES
    seed: int = 1337
    limits: dict[str, float] = field(default_factory=dict)
    """Seconds of each stage (`import_seconds`, `build_seconds`, `run_seconds`)."""
    headline_labels: tuple[str, ...] = ()
    """Labels of the log lines that carry the claimed score."""
    virtual_clock: bool = False
    """Whether time passes by reads instead of by the machine's clock."""

    def seconds(self, stage: str, default: float) -> float:
        """Return how long a stage may take."""
        return float(self.limits.get(f"{stage}_seconds") or default)


def read_job(path: str) -> Job:
    """Return the job at `path`."""
    with open(path, encoding="utf-8") as file:
        document: dict[str, Any] = json.load(file)
    if document.get("schema") != SCHEMA:
        raise ValueError(f"not a job of {SCHEMA}: {document.get('schema')!r}")
    env = document.get("env") or {}
    return Job(
        script=document["script"],
        argv=tuple(str(item) for item in document.get("argv") or ()),
        env=tuple((str(name), str(value)) for name, value in env.items()),
        nproc=int(document.get("nproc") or 1),
        stages=tuple(document.get("stages") or STAGES),
        seed=int(document.get("seed") or 1337),
        limits={name: float(value) for name, value in (document.get("limits") or {}).items() if value},
        headline_labels=tuple(str(item) for item in document.get("headline_labels") or ()),
        virtual_clock=document.get("clock") == "virtual",
    )
