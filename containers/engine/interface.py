"""What an engine has to give: a locked box with the supervisor in it, and a way to start one command there.

The contract, tested once for every engine in `tests/containers/engine/test_contract.py`:
- the command sees no network, a read-only root, /submission and /job read-only, writable folders of fixed
  size, no capabilities, no way to gain any, no devices, and limits on memory, processes and processor time;
- it runs under another user than the supervisor, or an entry of `missing_isolation` says that it does not;
- `remove` leaves no process and no file behind, however the run ended.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from containers.failure import Failure
    from containers.request import SandboxRequest

SUPERVISOR_USER = 10001
SUBMISSION_USER = 10002
_SUPERVISOR = ("/opt/referee/bin/python", "-I", "-S", "/opt/inside/referee_inside/supervisor.py")
REPORT_SOCKET = "/tmp/.referee/report"
MAX_FILES = 100_000
"""Inodes in each writable folder."""
RUN_LABEL = "org.referee.run"
TERMINATE = "kill -TERM -1"
"""Reaches every process of the user that says it, and no other."""

# Both need no right and cannot be taken back without one. The kernel then takes the submission's memory
# before the supervisor's, and a fork bomb does not starve it. Nice counts inside the box only: it costs the
# submission nothing.
_FIRST_TO_GO = 'echo 1000 > /proc/self/oom_score_adj 2>/dev/null; exec nice -n 19 "$@"'


class EngineError(Exception):
    """The environment failed; never the submission."""

    def __init__(self, failure: Failure) -> None:
        """Keep the failure."""
        super().__init__(failure.message)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class Exit:
    """How the command ended, as the engine tells it."""

    code: int
    """128 + n for a signal n, as every engine says it."""
    box_gone: bool = False
    """The whole box ended under the command."""
    out_of_memory: bool = False
    """The engine itself blames memory."""


class Box(Protocol):
    """One box: started, used for one command, removed."""

    image: str
    missing_isolation: tuple[str, ...]

    def start(self) -> None:
        """Create the box and start the supervisor; raises EngineError."""

    def channel(self) -> Iterator[bytes]:
        """Yield what the supervisor writes, until the box ends."""

    def tell(self, line: bytes) -> None:
        """Write to the supervisor."""

    def execute(self) -> Iterator[bytes]:
        """Start the command under the submission's user and yield its output; raises EngineError."""

    def poll(self) -> Exit | None:
        """Return how the command ended, None while it runs; raises EngineError."""

    def terminate(self) -> None:
        """Ask every process of the submission's user to end (SIGTERM); raises EngineError."""

    def last_words(self) -> str:
        """Return what the supervisor or the engine wrote about an error, if anything."""

    def remove(self) -> None:
        """Kill everything in the box and remove it; never raises, may be called at any time."""


class Engine(Protocol):
    """A way to make boxes."""

    name: str
    version: str

    def box(self, request: SandboxRequest) -> Box:
        """Return a box for a request, not yet started."""


def supervisor_command(request: SandboxRequest) -> list[str]:
    """Return the command of PID 1."""
    return [*_SUPERVISOR, str(request.limits.report_bytes), request.command[0]]


def wrapped(command: tuple[str, ...]) -> list[str]:
    """Return the command as it is really started: first in line when memory runs out."""
    return ["/bin/sh", "-c", _FIRST_TO_GO, "sh", *command]


def environment(request: SandboxRequest) -> dict[str, str]:
    """Return the command's variables; ours win over the request's."""
    ours = {"HOME": "/scratch", "TMPDIR": "/tmp", "REFEREE_REPORT": REPORT_SOCKET}
    return {**dict(request.environment), **ours}


def tmpfs_sizes(request: SandboxRequest) -> dict[str, int]:
    """Return the writable folders and their sizes in bytes."""
    sizes = {"/scratch": request.limits.scratch_bytes, "/tmp": request.limits.scratch_bytes // 4}
    return {path: size for path, size in sizes.items() if path not in {m.box for m in request.mounts}}
