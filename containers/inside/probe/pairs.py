"""One run of the script as several ranks: real processes that share a folder and exchange tensors by gloo.

Each rank is a child like any other, with a trace of its own. Promises as many answers as ranks, in their
order, whatever becomes of them.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from ..job import Job
from ..smoke import workplace
from .child import Plan
from .left import Left, run_child
from .runs import RANKS


def make(job: Job, name: str, number: int, seconds: float) -> tuple[Left, ...]:
    """Run the script as several ranks at a time, each for at most `seconds` of processor time."""
    root = workplace.lay_out(f"run{number}")
    with ThreadPoolExecutor(RANKS) as lanes:
        plans = [Plan(name, root, number, rank=rank) for rank in range(RANKS)]
        return tuple(lanes.map(lambda plan: run_child(job, plan, seconds), plans))
