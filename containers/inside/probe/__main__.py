"""Probe the script of a job: run it several times, compare the runs, report."""

from __future__ import annotations

import os
import sys
import time

from ..smoke.__main__ import undumpable

STARTED = time.monotonic()


def main() -> int:
    """Run the job; return 0 when the script's plain run came to its end."""
    if os.environ.get("PYTHONHASHSEED") != "0":
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, "-m", "referee_inside.probe"])
    from ..shim import install

    install.install()
    from ..channel import CHANNEL
    from ..job import read_job
    from .compare import phases, whole
    from .order import Probe

    undumpable()
    os.environ.setdefault("REFEREE_SCRATCH", os.getcwd())
    job = read_job(os.environ.get("REFEREE_JOB", "/job/job.json"))
    CHANNEL.send("figure", name="startup_seconds", value=round(time.monotonic() - STARTED, 3))
    ok = Probe(job, CHANNEL, phases, whole).run()
    CHANNEL.send("figure", name="cpu_seconds", value=round(sum(os.times()[:4]), 2))
    CHANNEL.send("end", status="ok" if ok else "failed", seconds=round(time.monotonic() - STARTED, 3))
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
