"""One run of the script as several ranks: real processes that share a folder and exchange tensors by gloo.

Each rank is a child like any other, with a trace of its own. Promises as many answers as ranks, in their
order, whatever becomes of them.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from .. import zygote
from ..job import Job
from ..smoke import workplace
from .child import Child, Plan
from .runs import RANKS
from .trace import Trace, read_left


@dataclass(frozen=True, slots=True)
class Rank:
    """What one process of the run left behind."""

    trace: Trace | None
    ended: zygote.Ended


def make(job: Job, name: str, number: int, seconds: float) -> tuple[Rank, ...]:
    """Run the script as several ranks at a time, each for at most `seconds` of processor time."""
    root = workplace.lay_out(f"run{number}")
    with ThreadPoolExecutor(RANKS) as lanes:
        plans = [Plan(name, root, number, rank=rank) for rank in range(RANKS)]
        return tuple(lanes.map(lambda plan: _rank(job, plan, seconds), plans))


def _rank(job: Job, plan: Plan, seconds: float) -> Rank:
    memory = os.memfd_create(f"trace{plan.number}-{plan.rank}")
    try:
        ended = zygote.run(Child(job, plan, memory).stage, seconds, keep=(memory,))
        return Rank(read_left(memory), ended)
    finally:
        os.close(memory)
