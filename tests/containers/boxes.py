"""Run a few lines of Python in a box and look at what comes back."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from containers.engine import run
from containers.request import MIB, Limits, SandboxRequest

if TYPE_CHECKING:
    from containers.engine import Engine
    from containers.result import SandboxResult

SMALL = Limits(wall_seconds=30, memory_bytes=256 * MIB, pids=64, cpus=1, scratch_bytes=32 * MIB)


def request(image: str, code: str, limits: Limits = SMALL, **more) -> SandboxRequest:
    """Return a request that runs `code` as /submission/script.py."""
    files = (("script.py", textwrap.dedent(code).encode()), ("data/part.txt", b"part"))
    command = ("python", "-u", "/submission/script.py")
    return SandboxRequest(
        image=image, files=files, job=b'{"seed": 1}', command=command, limits=limits, **more
    )


def run_code(engine: Engine, image: str, code: str, limits: Limits = SMALL, **more) -> SandboxResult:
    """Run a few lines in a box."""
    return run(engine, request(image, code, limits, **more))
