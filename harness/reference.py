"""Launch the reference as a subprocess, as replay launches a submission: never by an import.

Promises the child's own output on the terminal and its exit code; torchrun starts several processes.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def command(arguments: list[str], processes: int = 1) -> list[str]:
    """Return the command line that runs `python -m reference_impl` with these arguments."""
    if processes == 1:
        return [sys.executable, "-m", "reference_impl", *arguments]
    torchrun = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"]
    return [sys.executable, *torchrun, "-m", "reference_impl", *arguments]


def launch(arguments: list[str], processes: int = 1) -> int:
    """Run the reference and return its exit code."""
    # The package lies beside this one, in a checkout and in an installed wheel alike.
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    child = subprocess.run(command(arguments, processes), env={**os.environ, "PYTHONPATH": path}, check=False)
    return child.returncode


__all__ = ["command", "launch"]
