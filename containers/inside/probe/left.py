"""Make one watched run in a process of its own, and read what it left.

Promises an answer whatever becomes of the run; its trace is None where it left none that can be read.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from .. import zygote
from ..job import Job
from .child import Child, Plan
from .trace import Trace, read_left


@dataclass(frozen=True, slots=True)
class Left:
    """What one process of a run left behind."""

    trace: Trace | None
    ended: zygote.Ended


def run_child(job: Job, plan: Plan, seconds: float) -> Left:
    """Run the script by a plan, for at most `seconds` of processor time."""
    memory = os.memfd_create(f"trace{plan.number}-{plan.rank}")
    try:
        ended = zygote.run(Child(job, plan, memory).stage, seconds, keep=(memory,))
        return Left(read_left(memory), ended)
    finally:
        os.close(memory)
