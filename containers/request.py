"""What is to be run in a box, and within which limits.

Promises a plain description that says nothing of any engine. Limits are upper bounds that the engine
enforces; what an engine cannot enforce it names in `SandboxResult.missing_isolation`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

MIB = 1 << 20
GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of the machine one run may use."""

    wall_seconds: float = 180.0
    """From the start of the submission's process; then everything in the box is killed."""
    memory_bytes: int = 4 * GIB
    """All processes in the box together, files in scratch included; no swap on top."""
    pids: int = 256
    """Processes and threads in the box, the supervisor's included."""
    cpus: float = 2.0
    scratch_bytes: int = GIB
    """Size of the writable /scratch. /tmp holds a quarter of it on top."""
    shm_bytes: int = 64 * MIB
    """Size of /dev/shm, which several ranks on GPUs talk through."""
    output_bytes: int = 10_000_000
    """Output kept; what follows is counted and dropped."""
    report_bytes: int = 4_000_000
    """Report lines kept, all together."""


@dataclass(frozen=True, slots=True)
class Mount:
    """A folder of the host that a run is given."""

    host: str
    """Absolute path on the host."""
    box: str
    """Absolute path in the box."""
    writable: bool = False
    """Only for a folder made for this run; the host's disk is then the limit, which the caller watches."""


@dataclass(frozen=True, slots=True)
class SandboxRequest:
    """One run: files, command, limits."""

    image: str
    """Tag or id of an image from `containers.image`."""
    files: tuple[tuple[str, bytes], ...]
    """The submission as POSIX path and content; lies read-only under /submission."""
    job: bytes
    """JSON for the code inside; lies read-only in /job/job.json."""
    command: tuple[str, ...] = ("python", "-m", "referee_inside.smoke")
    environment: tuple[tuple[str, str], ...] = ()
    """Variables on top of the image's own. HOME, TMPDIR and REFEREE_REPORT are the engine's to set."""
    limits: Limits = field(default_factory=Limits)
    mounts: tuple[Mount, ...] = ()
    """Data of ours. One at /scratch takes the place of the folder in memory."""
    gpus: bool = False
    """Give the run every GPU of the host: the one device that a box may have."""
    runtime: str | None = None
    """Another OCI runtime, such as "runsc" for gVisor; None is the engine's default."""
