"""Podman, through its command line: no daemon, and no root where the user has none.

Promises what `interface` asks for. A rootless Podman whose user was not given the limits of control groups
cannot set them: those are left out and named in `missing_isolation`.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import subprocess
import uuid
from typing import IO, TYPE_CHECKING, Any

from containers.engine.interface import (
    RUN_LABEL,
    SUBMISSION_USER,
    SUPERVISOR_USER,
    TERMINATE,
    EngineError,
    Exit,
    environment,
    supervisor_command,
    tmpfs_sizes,
    wrapped,
)
from containers.engine.layout import HOSTNAME, Layout
from containers.engine.seccomp import PROFILE
from containers.failure import FailureKind, classify, failed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from containers.request import Limits, SandboxRequest

_SECONDS = 60
_LAST_WORDS_SECONDS = 3
_CHUNK = 65536
_MOST_HANDLES = 16_384
"""Open files, and processes of the user, far above the box's own limit on processes."""
_LIMITS = {
    "memory": "the user was given no memory limit by control groups",
    "pids": "the user was given no limit on processes by control groups",
    "cpu": "the user was given no limit on processor time by control groups",
}
_MAX_WORDS = 2000


class PodmanEngine:
    """The podman on the path."""

    name = "podman"

    def __init__(self) -> None:
        """Ask what this podman can do; raises EngineError."""
        if shutil.which("podman") is None:
            raise EngineError(failed(FailureKind.NO_ENGINE, "podman is not installed"))
        info = json.loads(podman("info", "--format", "json"))
        host = self.host = info["host"]
        self.version = str(info["version"]["Version"])
        self.controllers = frozenset(host.get("cgroupControllers") or ())
        self.missing = tuple(text for name, text in _LIMITS.items() if name not in self.controllers)
        self.missing += ("podman limits the number of files by memory alone",)
        if not host["security"].get("seccompEnabled", False):
            self.missing += ("podman does not filter system calls",)

    def box(self, request: SandboxRequest) -> PodmanBox:
        """Return a box for a request, not yet started."""
        return PodmanBox(self, request)


class PodmanBox:
    """One container."""

    def __init__(self, engine: PodmanEngine, request: SandboxRequest) -> None:
        """Keep what it will be made of."""
        self.engine = engine
        self.request = request
        self.image = request.image
        self.missing_isolation = engine.missing
        self.container = f"referee-{uuid.uuid4().hex}"
        """Its name."""
        self._layout: Layout | None = None
        self._supervisor: subprocess.Popen[bytes] | None = None
        self._command: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Create the container and start the supervisor; raises EngineError."""
        self._layout = Layout(self.request)
        self.image = podman("image", "inspect", "--format", "{{.Id}}", self.request.image).strip()
        runtime = _runtime(self.request.runtime, self.engine.host)
        command = [
            "podman",
            *([f"--runtime={runtime}"] if runtime else []),
            "run",
            *self._options(self._layout),
        ]
        command += [self.image, *supervisor_command(self.request)]
        pipe = subprocess.PIPE
        # conmon notes an end by memory in a file named oom where it was started.
        where = self._layout.root
        self._supervisor = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, cwd=where)

    def channel(self) -> Iterator[bytes]:
        """Yield what the supervisor writes, until the container ends."""
        assert self._supervisor is not None
        assert self._supervisor.stdout is not None
        return _chunks(self._supervisor.stdout)

    def tell(self, line: bytes) -> None:
        """Write to the supervisor."""
        assert self._supervisor is not None
        assert self._supervisor.stdin is not None
        with contextlib.suppress(OSError):
            self._supervisor.stdin.write(line)
            self._supervisor.stdin.flush()

    def execute(self) -> Iterator[bytes]:
        """Start the command under the submission's user and return its output as it comes."""
        variables = [f"--env={name}={value}" for name, value in environment(self.request).items()]
        user = f"--user={SUBMISSION_USER}:{SUBMISSION_USER}"
        command = ["podman", "exec", user, "--workdir=/scratch", *variables, self.container]
        command += wrapped(self.request.command)
        assert self._layout is not None
        pipe, none = subprocess.PIPE, subprocess.DEVNULL
        self._command = subprocess.Popen(
            command, stdin=none, stdout=pipe, stderr=subprocess.STDOUT, cwd=self._layout.root
        )
        assert self._command.stdout is not None
        return _chunks(self._command.stdout)

    def poll(self) -> Exit | None:
        """Return how the command ended, None while it runs."""
        assert self._command is not None
        code = self._command.poll()
        if code is None:
            return None
        state = self._state()
        if code < 0 or (code in (125, 255) and not state.get("Running")):
            raise EngineError(failed(FailureKind.ENGINE_LOST, "podman itself ended under the run"))
        return Exit(code, not state.get("Running", False), bool(state.get("OOMKilled")))

    def terminate(self) -> None:
        """Send SIGTERM to every process of the submission's user."""
        user = f"--user={SUBMISSION_USER}:{SUBMISSION_USER}"
        podman("exec", user, self.container, "/bin/sh", "-c", f"{TERMINATE}; true")

    def last_words(self) -> str:
        """Return what podman or the supervisor wrote about an error."""
        process = self._supervisor
        if process is None or process.stderr is None:
            return ""
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_LAST_WORDS_SECONDS)
        if process.poll() is None:
            return ""
        return process.stderr.read(_MAX_WORDS).decode("utf-8", "replace").strip()

    def remove(self) -> None:
        """Kill everything in the container and remove it."""
        if self._supervisor is not None:
            with contextlib.suppress(EngineError):
                podman("rm", "--force", "--time", "0", "--ignore", self.container)
        for process in (self._command, self._supervisor):
            if process is not None:
                _end(process)
        if self._layout is not None:
            self._layout.remove()

    def _state(self) -> dict[str, Any]:
        try:
            found = podman("container", "inspect", "--format", "{{json .State}}", self.container)
        except EngineError:
            return {}
        state: dict[str, Any] = json.loads(found)
        return state

    def _options(self, layout: Layout) -> list[str]:
        tmpfs = "rw,exec,nosuid,nodev,mode=1777"
        return [
            "--interactive",
            "--rm",
            f"--name={self.container}",
            f"--label={RUN_LABEL}={self.container}",
            "--pull=never",
            "--network=none",
            "--read-only",
            "--read-only-tmpfs=false",
            "--cap-drop=all",
            "--security-opt=no-new-privileges",
            f"--security-opt=seccomp={PROFILE}",
            f"--user={SUPERVISOR_USER}:{SUPERVISOR_USER}",
            f"--group-add={SUBMISSION_USER}",
            "--workdir=/scratch",
            "--ipc=private",
            f"--shm-size={self.request.limits.shm_bytes}b",
            # Nothing a submission prints reaches the host's disk, and no proxy of the host's is passed on.
            "--log-driver=none",
            "--http-proxy=false",
            "--no-hosts",
            f"--hostname={HOSTNAME}",
            *_ulimits(),
            *self._limits(self.request.limits),
            *(f"--tmpfs={path}:{tmpfs},size={size}" for path, size in tmpfs_sizes(self.request).items()),
            *(f"--volume={host}:{path}:ro" for path, host in layout.mounts.items()),
            *(f"--volume={m.host}:{m.box}:{'rw' if m.writable else 'ro'}" for m in self.request.mounts),
            *(["--device=nvidia.com/gpu=all"] if self.request.gpus else []),
        ]

    def _limits(self, limits: Limits) -> Iterator[str]:
        controllers = self.engine.controllers
        if "memory" in controllers:
            yield f"--memory={limits.memory_bytes}b"
            yield f"--memory-swap={limits.memory_bytes}b"
        if "pids" in controllers:
            yield f"--pids-limit={limits.pids}"
        if "cpu" in controllers:
            yield f"--cpus={limits.cpus}"


def _ulimits() -> Iterator[str]:
    """Yield limits that any user may set: podman's own defaults can lie above what the host allows."""
    yield "--ulimit=core=0:0"
    for name, kind in (("nofile", resource.RLIMIT_NOFILE), ("nproc", resource.RLIMIT_NPROC)):
        hard = resource.getrlimit(kind)[1]
        most = _MOST_HANDLES if hard == resource.RLIM_INFINITY else min(hard, _MOST_HANDLES)
        yield f"--ulimit={name}={most}:{most}"


def _runtime(asked: str | None, host: dict[str, Any]) -> str | None:
    """Return the OCI runtime: the one asked for, else one that works with the host's control groups."""
    if asked is None and host.get("cgroupVersion") == "v1" and host["ociRuntime"]["name"] == "crun":
        # crun refuses hosts that mount both versions; runc does not mind.
        return shutil.which("runc")
    return asked


def podman(*arguments: str) -> str:
    """Return what a podman command prints; raises EngineError when it fails."""
    try:
        done = subprocess.run(
            ["podman", *arguments], capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EngineError(classify(str(error))) from error
    if done.returncode != 0:
        raise EngineError(classify(done.stderr.strip() or f"podman ended with {done.returncode}"))
    return done.stdout


def _chunks(stream: IO[bytes]) -> Iterator[bytes]:
    with contextlib.suppress(OSError, ValueError):
        while data := os.read(stream.fileno(), _CHUNK):
            yield data


def _end(process: subprocess.Popen[bytes]) -> None:
    """Wait for one of our own podman processes, whose container is gone, and close what it held."""
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
