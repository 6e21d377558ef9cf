"""Start the submission's command from PID 1, where the engine cannot start one in a running box (bubblewrap).

The command gets its own output and nothing else of ours: every other handle is closed before it begins. How
it ended goes to the engine by a pipe of its own, as 128 + n for a signal n, which is what engines say.
"""

from __future__ import annotations

import os


class Command:
    """One command, started at most once."""

    def __init__(self, output: int, status: int, command: list[str]) -> None:
        """Keep the handles for its output and its ending."""
        self.output = output
        self.status = status
        self.command = command
        self.pid: int | None = None

    def start(self) -> None:
        """Fork and become the command in the child."""
        if self.pid is not None:
            return
        self.pid = os.fork()
        if self.pid == 0:
            try:
                self._become()
            finally:
                os._exit(127)
        os.close(self.output)

    def ended(self, pid: int, status: int) -> None:
        """Tell the engine, when it is the command that ended."""
        if pid == self.pid:
            code = os.waitstatus_to_exitcode(status)
            os.write(self.status, b"%d\n" % (code if code >= 0 else 128 - code))

    def _become(self) -> None:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(self.output, 1)
        os.dup2(self.output, 2)
        os.closerange(3, 1 << 16)
        os.execvp(self.command[0], self.command)
