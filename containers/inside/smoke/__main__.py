"""Run the stages of a job, each in a child of its own, and report how each ended."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from typing import Any

STARTED = time.monotonic()


def main() -> int:
    """Run the job; return 0 when every stage that was asked for is done."""
    from ..shim import install

    install.install()
    from ..channel import CHANNEL
    from ..job import read_job
    from .order import Order

    undumpable()
    os.environ.setdefault("REFEREE_SCRATCH", os.getcwd())
    job = read_job(os.environ.get("REFEREE_JOB", "/job/job.json"))
    CHANNEL.send("figure", name="startup_seconds", value=round(time.monotonic() - STARTED, 3))
    ok = Order(job, CHANNEL).run()
    CHANNEL.send("figure", name="cpu_seconds", value=round(sum(os.times()[:4]), 2))
    CHANNEL.send("end", status="ok" if ok else "failed", seconds=round(time.monotonic() - STARTED, 3))
    return 0 if ok else 1


def undumpable() -> None:
    """Keep other processes of this user from reading this one's memory."""
    pr_set_dumpable = 4
    libc: Any = ctypes.CDLL(None)
    libc.prctl(pr_set_dumpable, 0, 0, 0, 0)


if __name__ == "__main__":
    sys.exit(main())
