"""A process of our own to watch, and caps of seconds to hold it to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

from containers.engine.live import LiveExit
from harness.replay.limits import Caps

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CAPS = Caps(
    train_seconds=1.0,
    train_tolerance_seconds=0.2,
    eval_seconds=1.0,
    eval_tolerance_seconds=0.2,
    preparation_seconds=1.0,
    setup_seconds=30.0,
    silence_seconds=30.0,
)


class OwnProcess:
    """A bare process group: enough to watch code that we wrote."""

    def __init__(self, code: str, folder: Path, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-u", "-c", textwrap.dedent(code), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=folder,
            start_new_session=True,
        )

    def chunks(self) -> Iterator[bytes]:
        assert self._process.stdout is not None
        while chunk := os.read(self._process.stdout.fileno(), 65536):
            yield chunk

    def poll(self) -> LiveExit | None:
        code = self._process.poll()
        if code is None:
            return None
        return LiveExit(code) if code >= 0 else LiveExit(None, -code)

    def terminate(self) -> None:
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def left_behind(self) -> tuple[str, ...]:
        return ()

    def _signal(self, number: int) -> None:
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            return
