"""Programs that scripts call and that a box without a GPU lacks.

`nvidia-smi`, `torchrun`, `python` itself.
"""

from __future__ import annotations

import os
import stat
import sys

from .patching import used

_SMI = """#!/bin/sh
case "$*" in
  *--query-gpu*) i=0; echo "NVIDIA H100 80GB HBM3, 580.95.05, 81559 MiB" ;;
  *-L*) echo "GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-00000000-0000-0000-0000-000000000000)" ;;
  *) echo "NVIDIA-SMI (answered by the smoke box: no GPU here)" ;;
esac
"""
_NVCC = """#!/bin/sh
echo "nvcc: there is no CUDA compiler in the smoke box" >&2
exit 1
"""


def write(folder: str) -> None:
    """Write the programs into a folder of the scratch and put it on the path."""
    os.makedirs(folder, exist_ok=True)
    for name, text in {"nvidia-smi": _SMI, "nvcc": _NVCC}.items():
        path = os.path.join(folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, stat.S_IRWXU)
    os.environ["PATH"] = folder + os.pathsep + os.environ.get("PATH", "")


def install() -> None:
    """Report a call of one of the programs."""

    def hook(event: str, args: tuple[object, ...]) -> None:
        if event == "subprocess.Popen" and "nvidia-smi" in repr(args[:2]):
            used("nvidia-smi", "answered by a script")

    sys.addaudithook(hook)
