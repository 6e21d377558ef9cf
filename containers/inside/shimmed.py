"""Run a script as `__main__` under the shim, at tiny scale and by the machine's own clock.

What a replay on a laptop watches from outside: the script's own output, files and exit status, nothing
reported on its behalf but the parts of the shim that it used.
"""

from __future__ import annotations

import os
import sys


def main() -> int:
    """Run the job's script; its own exception or exit status is this process's."""
    from .shim import install

    install.install()
    from .job import read_job
    from .smoke import workplace
    from .smoke.session import ALL, Session

    os.environ.setdefault("REFEREE_SCRATCH", os.getcwd())
    job = read_job(os.environ.get("REFEREE_JOB", "/job/job.json"))
    session = Session(job, workplace.lay_out("run"), ALL)
    session.begin()
    session.run("__main__")
    return 0


if __name__ == "__main__":
    sys.exit(main())
