"""What happened in a box.

Three sources, kept apart. The engine and the host's own clock give the ending, the exit code and the times.
The supervisor gives `observed`, which it saw itself under another user. The instrumented process gives
`report`: the submission's own code ran beside it and could have written every line, so a report is a claim,
never a proof.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from containers.failure import Failure  # read at run time by whoever keeps recordings


class Ending(StrEnum):
    """How the submission's process came to its end."""

    EXITED = "exited"
    """By itself, with `exit_code`."""
    SIGNALLED = "signalled"
    """By a signal that we did not send; `signal` says which."""
    OUT_OF_MEMORY = "out_of_memory"
    """Killed by the kernel at the memory limit."""
    FLOODED = "flooded"
    """Killed by us: output beyond twenty times the limit."""
    TIMED_OUT = "timed_out"
    """Killed by us at the wall clock limit."""
    NEVER_RAN = "never_ran"
    """The environment failed, before or during the run; `failure` says how."""


@dataclass(frozen=True, slots=True)
class ScratchFile:
    """One regular file that the run left in scratch."""

    path: str
    """Absolute in the box."""
    size_bytes: int
    sha256: str | None
    """None when it was not read: too large, vanished, or closed to the supervisor."""


@dataclass(frozen=True, slots=True)
class Observed:
    """What the supervisor saw with its own eyes, from another user's process."""

    files: tuple[ScratchFile, ...] = ()
    files_left_out: int = 0
    """Files beyond the first 2000."""
    unreadable: tuple[str, ...] = ()
    """Folders the run closed to the supervisor."""
    left_behind: tuple[str, ...] = ()
    """Names of processes still alive after the command had ended; killed with the box."""
    oom_kills: int = 0
    """Processes that the kernel killed at the memory limit, children included."""
    forks_refused: int = 0
    """Times the kernel refused a process at the pids limit."""
    peak_memory_bytes: int | None = None
    """Highest use of the box, files in scratch included; None when the kernel does not tell."""
    peak_pids: int = 0
    """Most processes and threads seen at once."""
    peak_scratch_bytes: int = 0
    scratch_full: bool = False
    """A writable file system of the box was seen without free space."""
    network_attempts: int = 0
    """Times the kernel was asked for a route out of the box, which has none; a name lookup is one or more."""
    forbidden_calls: int = 0
    """Orphans that the kernel killed for a system call no trainer makes (ptrace, mount, setns, ...)."""
    report_lines_dropped: int = 0
    """Lines beyond the limit or that were no JSON object."""
    complete: bool = False
    """The supervisor saw the end; without it the numbers are those of its last look."""


@dataclass(frozen=True, slots=True)
class SandboxResult:
    """The whole of one run."""

    ending: Ending
    exit_code: int | None = None
    """The engine's; None unless EXITED."""
    signal: int | None = None
    """Number of the signal for SIGNALLED and OUT_OF_MEMORY."""
    wall_seconds: float = 0.0
    """From the start of the command to its end, by the host's clock."""
    overhead_seconds: float = 0.0
    """Everything else: start-up of the box, last look, teardown."""
    output: bytes = b""
    """stdout and stderr as they came, cut at the limit with a note as its last line."""
    output_bytes: int = 0
    """What was written in all, kept or not."""
    report: tuple[dict[str, Any], ...] = ()
    """JSON objects REPORTED by the process that ran the submission: untrusted. The supervisor adds
    `sender`, the process that opened the connection, as the kernel tells it."""
    observed: Observed = field(default_factory=Observed)
    engine: str = ""
    """docker, podman or bubblewrap."""
    engine_version: str = ""
    image: str = ""
    """Content digest of the image."""
    missing_isolation: tuple[str, ...] = ()
    """Locks that this engine or host cannot give, in words; empty when nothing is missing."""
    failure: Failure | None = None
    """Set exactly when the ending is NEVER_RAN."""

    @property
    def peak_memory_bytes(self) -> int | None:
        """Highest memory use of the box."""
        return self.observed.peak_memory_bytes
