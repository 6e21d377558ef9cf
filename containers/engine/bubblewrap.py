"""bubblewrap: namespaces without an engine, for those who can have no other. Weaker, and it says in what.

Promises what `interface` asks for, but for limits that take control groups: memory and processes are limited
for each process and user, not for the box, and the supervisor shares the submission's user. It is shut to
looks and, as PID 1, deaf to signals from inside. All of that is named in `missing_isolation`. The root is the
host's /usr.
"""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from containers.engine.bpf import compile_profile
from containers.engine.interface import (
    SUBMISSION_USER,
    EngineError,
    Exit,
    environment,
    supervisor_command,
    tmpfs_sizes,
    wrapped,
)
from containers.engine.layout import HOSTNAME, Layout
from containers.failure import FailureKind, classify, failed
from containers.image.host import host_image, seen_folders

if TYPE_CHECKING:
    from collections.abc import Iterator

    from containers.request import SandboxRequest

_MISSING = (
    "the supervisor and the submission share one user",
    "memory is limited for each process, not for the box",
    "processes are limited for the user, and not at all for root",
    "processor time is not limited",
    "files are limited by size alone",
    "the programs of the host under /usr can be read",
)
_ETC = ("alternatives", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "mime.types")
"""What programs need of /etc, and nothing that tells of the host."""
_CHUNK = 65536
_SECONDS = 10


class BubblewrapEngine:
    """The bwrap on the path."""

    name = "bubblewrap"

    def __init__(self) -> None:
        """Try whether this host lets us make namespaces; raises EngineError."""
        if shutil.which("bwrap") is None:
            raise EngineError(failed(FailureKind.NO_ENGINE, "bubblewrap is not installed"))
        try:
            version = _said("bwrap", "--version")
            _said("bwrap", "--unshare-all", "--ro-bind", "/", "/", "true")
        except (OSError, subprocess.SubprocessError) as error:
            said = getattr(error, "stderr", "") or str(error)
            raise EngineError(classify(f"bwrap: {said}")) from error
        self.version = version.split()[-1]
        self.filter = compile_profile()
        unfiltered = () if self.filter else ("system calls are not filtered: no libseccomp",)
        self.missing: tuple[str, ...] = (*_MISSING, *unfiltered)

    def box(self, request: SandboxRequest) -> BubblewrapBox:
        """Return a box for a request, not yet started."""
        return BubblewrapBox(self, request)


class BubblewrapBox:
    """One set of namespaces."""

    def __init__(self, engine: BubblewrapEngine, request: SandboxRequest) -> None:
        """Keep what it will be made of."""
        self.engine = engine
        self.request = request
        self.image = request.image
        self.missing_isolation = engine.missing
        self._layout: Layout | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._output = self._status = -1
        self._said = b""

    def start(self) -> None:
        """Make the namespaces and start the supervisor; raises EngineError."""
        root = host_image(self.request.image)
        if root is None:
            raise EngineError(failed(FailureKind.NO_IMAGE, f"no such image: {self.request.image}"))
        if self.request.runtime is not None:
            raise EngineError(failed(FailureKind.NO_RUNTIME, "bubblewrap has no other runtimes"))
        self._layout = Layout(self.request)
        output, status, program = os.pipe(), os.pipe(), _in_memory(self.engine.filter)
        os.set_blocking(status[0], False)
        self._output, self._status = output[0], status[0]
        passed = [output[1], status[1], *([program] if program >= 0 else [])]
        command = ["bwrap", *self._options(root, self._layout, program)]
        command += [
            *supervisor_command(self.request),
            str(output[1]),
            str(status[1]),
            *wrapped(self.request.command),
        ]
        pipe = subprocess.PIPE
        try:
            self._process = subprocess.Popen(
                command, stdin=pipe, stdout=pipe, stderr=pipe, pass_fds=passed, preexec_fn=self._limit
            )
        finally:
            for handle in passed:
                os.close(handle)

    def channel(self) -> Iterator[bytes]:
        """Yield what the supervisor writes, until the box ends."""
        assert self._process is not None
        assert self._process.stdout is not None
        return _chunks(self._process.stdout.fileno())

    def tell(self, line: bytes) -> None:
        """Write to the supervisor."""
        assert self._process is not None
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.write(line)
            self._process.stdin.flush()

    def execute(self) -> Iterator[bytes]:
        """Have the supervisor start the command, and return its output as it comes."""
        self.tell(b"run\n")
        return _chunks(self._output)

    def poll(self) -> Exit | None:
        """Return how the command ended, None while it runs."""
        assert self._process is not None
        with contextlib.suppress(BlockingIOError):
            self._said += os.read(self._status, 100)
        if self._said.endswith(b"\n"):
            return Exit(int(self._said))
        if self._process.poll() is not None:
            raise EngineError(failed(FailureKind.ENGINE_LOST, "the box ended before the command did"))
        return None

    def terminate(self) -> None:
        """Send SIGTERM to everything in the box but its PID 1."""
        assert self._process is not None
        for depth, pid in _below(self._process.pid):
            if depth > 1:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)

    def last_words(self) -> str:
        """Return what bwrap or the supervisor wrote about an error."""
        process = self._process
        if process is None or process.stderr is None:
            return ""
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(3)
        return "" if process.poll() is None else process.stderr.read(2000).decode("utf-8", "replace").strip()

    def remove(self) -> None:
        """End PID 1, and everything in the box with it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
                if stream is not None:
                    with contextlib.suppress(OSError):
                        stream.close()
        for handle in (self._output, self._status):
            if handle >= 0:
                os.close(handle)
        self._output = self._status = -1
        if self._layout is not None:
            self._layout.remove()

    def _limit(self) -> None:
        """Set limits on ourselves between fork and exec; everything in the box inherits them."""
        limits = self.request.limits
        for kind, most in (
            (resource.RLIMIT_CORE, 0),
            (resource.RLIMIT_DATA, limits.memory_bytes),
            (resource.RLIMIT_NPROC, limits.pids),
        ):
            hard = resource.getrlimit(kind)[1]
            most = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(kind, (most, most))

    def _options(self, root: Path, layout: Layout, program: int) -> Iterator[str]:
        yield from ("--unshare-all", "--unshare-user", "--die-with-parent", "--new-session", "--as-pid-1")
        yield from ("--cap-drop", "ALL", "--clearenv", "--hostname", HOSTNAME)
        yield from ("--uid", str(SUBMISSION_USER), "--gid", str(SUBMISSION_USER))
        yield from _system()
        yield from ("--proc", "/proc", "--dev", "/dev")
        for path, size in {**tmpfs_sizes(self.request), "/dev/shm": self.request.limits.shm_bytes}.items():
            yield from ("--perms", "1777", "--size", str(size), "--tmpfs", path)
        mounts = {**layout.mounts, "/opt/referee": str(root / "venv"), "/opt/inside": str(root / "inside")}
        mounts["/etc/passwd"] = layout.users
        mounts |= {path: path for path in seen_folders(root) if not Path(path).is_relative_to("/usr")}
        for path, host in mounts.items():
            yield from ("--ro-bind", host, path)
        for mount in self.request.mounts:
            yield from ("--bind" if mount.writable else "--ro-bind", mount.host, mount.box)
        if self.request.gpus:
            for device in sorted(Path("/dev").glob("nvidia*")):
                yield from ("--dev-bind", str(device), str(device))
        yield from ("--ro-bind-try", str(root / "data"), "/opt/data")
        for path in ("/dev", "/"):
            yield from ("--remount-ro", path)
        variables = {"PATH": "/opt/referee/bin:/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
        for name, value in {**variables, "PYTHONDONTWRITEBYTECODE": "1", **environment(self.request)}.items():
            yield from ("--setenv", name, value)
        yield from ("--chdir", "/scratch")
        if program >= 0:
            yield from ("--seccomp", str(program))
        yield "--"


def _system() -> Iterator[str]:
    """Yield the mounts of the host's programs and libraries."""
    yield from ("--ro-bind", "/usr", "/usr")
    for name in ("bin", "sbin", "lib", "lib64", "lib32"):
        path = Path("/", name)
        if path.is_symlink():
            yield from ("--symlink", os.readlink(path), str(path))
        elif path.is_dir():
            yield from ("--ro-bind", str(path), str(path))
    for name in _ETC:
        yield from ("--ro-bind-try", f"/etc/{name}", f"/etc/{name}")
    python = Path(sys.base_prefix).resolve()
    if not python.is_relative_to("/usr"):
        yield from ("--ro-bind", str(python), str(python))


def _in_memory(program: bytes | None) -> int:
    """Return a handle from which bwrap can read the filter, -1 without one."""
    if program is None:
        return -1
    handle = os.memfd_create("referee-seccomp")
    os.write(handle, program)
    os.lseek(handle, 0, os.SEEK_SET)
    return handle


def _below(pid: int, depth: int = 1) -> Iterator[tuple[int, int]]:
    """Yield the descendants of a process with their distance from it, nearest first."""
    with contextlib.suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            yield depth, int(child)
            yield from _below(int(child), depth + 1)


def _chunks(handle: int) -> Iterator[bytes]:
    with contextlib.suppress(OSError):
        while data := os.read(handle, _CHUNK):
            yield data


def _said(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=True)
    return done.stdout.strip()
