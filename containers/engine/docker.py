"""Docker, through its own SDK.

Promises what `interface` asks for, on any daemon from 20.10 on. What the daemon says it cannot enforce (no
swap accounting, no pids limit) is named in `missing_isolation`, and so is another runtime's own filter of
system calls.
"""

from __future__ import annotations

import contextlib
import uuid
from typing import TYPE_CHECKING, Any

from containers.engine.interface import (
    MAX_FILES,
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
from containers.engine.seccomp import profile_text
from containers.failure import Failure, FailureKind, classify, failed

if TYPE_CHECKING:
    from collections.abc import Iterator

    import docker

    from containers.request import SandboxRequest

_TIMEOUT_SECONDS = 60
_REMOVE_SECONDS = 20
_GUARDS = {
    "MemoryLimit": "the kernel has no memory limit for the box",
    "SwapLimit": "the kernel does not account for swap: the memory limit leaves swap out",
    "PidsLimit": "the kernel has no limit on processes",
    "CpuCfsQuota": "the kernel has no limit on processor time",
}
_MAX_WORDS = 2000


class DockerEngine:
    """The daemon that the environment names (DOCKER_HOST, else the local socket)."""

    name = "docker"

    def __init__(self) -> None:
        """Connect and ask what the daemon can do; raises EngineError."""
        self.client = _connect()
        try:
            info = self.client.info()
        except Exception as error:
            raise EngineError(_failure(error)) from error
        self.version = str(info.get("ServerVersion", ""))
        self.cpus = float(info.get("NCPU") or 1)
        self.missing = tuple(text for key, text in _GUARDS.items() if not info.get(key, True))
        if not any("seccomp" in option for option in info.get("SecurityOptions") or ()):
            self.missing += ("the daemon does not filter system calls",)

    def box(self, request: SandboxRequest) -> DockerBox:
        """Return a box for a request, not yet started."""
        return DockerBox(self.client, request, self.missing, self.cpus)


class DockerBox:
    """One container."""

    user = f"{SUBMISSION_USER}:{SUBMISSION_USER}"
    """Whose name the command runs under."""
    supervisor_user = f"{SUPERVISOR_USER}:{SUPERVISOR_USER}"

    def __init__(
        self, client: docker.DockerClient, request: SandboxRequest, missing: tuple[str, ...], cpus: float
    ) -> None:
        """Keep what it will be made of; `cpus` are those that there are."""
        self.cpus = cpus
        self.api = client.api
        self.request = request
        self.image = request.image
        self.missing_isolation = missing
        self._layout: Layout | None = None
        self.container = ""
        """Its id, empty before it is made."""
        self._socket: Any = None
        self._exec_socket: Any = None
        self._exec = ""
        self._stderr = bytearray()

    def start(self) -> None:
        """Create the container and start the supervisor; raises EngineError."""
        self._layout = Layout(self.request)
        with _engine_errors():
            self.image = str(self.api.inspect_image(self.request.image)["Id"])
            made = self.api.create_container(
                self.image,
                self.supervisor(),
                user=self.supervisor_user,
                stdin_open=True,
                labels={RUN_LABEL: uuid.uuid4().hex},
                host_config=self.host_config(self._layout),
                hostname=HOSTNAME,
                working_dir="/scratch",
            )
            self.container = str(made["Id"])
            streams = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
            self._socket = self.api.attach_socket(self.container, params=streams)
            self.api.start(self.container)

    def channel(self) -> Iterator[bytes]:
        """Yield what the supervisor writes, until the container ends."""
        for stream, data in _frames(self._socket):
            if stream == 1:
                yield data
            elif len(self._stderr) < _MAX_WORDS:
                self._stderr += data

    def tell(self, line: bytes) -> None:
        """Write to the supervisor."""
        with contextlib.suppress(OSError):
            self._socket._sock.sendall(line)

    def execute(self) -> Iterator[bytes]:
        """Start the command under the submission's user and return its output as it comes."""
        with _engine_errors():
            made = self.api.exec_create(
                self.container,
                wrapped(self.request.command),
                user=self.user,
                environment=environment(self.request),
                workdir="/scratch",
            )
            self._exec = str(made["Id"])
            self._exec_socket = self.api.exec_start(self._exec, socket=True)
        return (data for _, data in _frames(self._exec_socket))

    def poll(self) -> Exit | None:
        """Return how the command ended, None while it runs."""
        with _engine_errors():
            state = self.api.exec_inspect(self._exec)
            if state["Running"]:
                return None
            box = self.api.inspect_container(self.container)["State"]
        code = state["ExitCode"]
        if code is None and box["Running"]:
            raise EngineError(
                failed(FailureKind.ENGINE_LOST, "the engine does not say how the command ended")
            )
        return Exit(137 if code is None else int(code), not box["Running"], bool(box["OOMKilled"]))

    def terminate(self) -> None:
        """Send SIGTERM to every process of the submission's user."""
        with _engine_errors():
            made = self.api.exec_create(self.container, ["/bin/sh", "-c", TERMINATE], user=self.user)
            self.api.exec_start(made["Id"])

    def last_words(self) -> str:
        """Return what the supervisor wrote about an error."""
        return bytes(self._stderr).decode("utf-8", "replace").strip()

    def remove(self) -> None:
        """Kill everything in the container and remove it."""
        if self.container:
            with contextlib.suppress(Exception):
                self.api.remove_container(self.container, force=True, v=True)
            # The daemon may have begun by itself, the supervisor being gone; then it is not done yet.
            with contextlib.suppress(Exception):
                self.api.wait(self.container, timeout=_REMOVE_SECONDS, condition="removed")
        for opened in (self._socket, self._exec_socket):
            if opened is not None:
                with contextlib.suppress(Exception):
                    opened.close()
        if self._layout is not None:
            self._layout.remove()

    def supervisor(self) -> list[str]:
        """Return the command of PID 1."""
        return supervisor_command(self.request)

    def host_config(self, layout: Layout) -> dict[str, Any]:
        """Return every lock of the container, in the words of the engine's API."""
        limits = self.request.limits
        options = f"rw,exec,nosuid,nodev,mode=1777,nr_inodes={MAX_FILES}"
        made: dict[str, Any] = self.api.create_host_config(
            network_mode="none",
            read_only=True,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges", f"seccomp={profile_text()}"],
            group_add=[str(SUBMISSION_USER)],
            ipc_mode="private",
            pids_limit=limits.pids,
            mem_limit=limits.memory_bytes,
            memswap_limit=limits.memory_bytes,
            nano_cpus=int(min(limits.cpus, self.cpus) * 1e9),
            shm_size=limits.shm_bytes,
            tmpfs={path: f"{options},size={size}" for path, size in tmpfs_sizes(self.request).items()},
            binds=[*(f"{host}:{path}:ro" for path, host in layout.mounts.items()), *self._mounts()],
            device_requests=self._gpus(),
            # Nothing a submission prints reaches the host's disk.
            log_config={"Type": "none", "Config": {}},
            ulimits=[{"Name": "core", "Soft": 0, "Hard": 0}],
            runtime=self.request.runtime,
            # Should this process die, the supervisor sees its input end, leaves, and the daemon cleans up.
            auto_remove=True,
        )
        return made

    def _mounts(self) -> list[str]:
        """Return the request's own folders as binds."""
        return [f"{m.host}:{m.box}:{'rw' if m.writable else 'ro'}" for m in self.request.mounts]

    def _gpus(self) -> list[Any] | None:
        """Return what asks the daemon for every GPU."""
        from docker.types import DeviceRequest

        return [DeviceRequest(count=-1, capabilities=[["gpu"]])] if self.request.gpus else None


def _frames(opened: Any) -> Iterator[tuple[int, bytes]]:
    from docker.utils.socket import SocketError, frames_iter

    with contextlib.suppress(SocketError, OSError, ValueError):
        yield from frames_iter(opened, tty=False)


def _connect() -> docker.DockerClient:
    try:
        import docker
    except ImportError as error:
        hint = "the Docker SDK is not installed: pip install 'golf-referee[box]'"
        raise EngineError(failed(FailureKind.NO_ENGINE, hint)) from error
    try:
        return docker.from_env(timeout=_TIMEOUT_SECONDS)
    except Exception as error:
        raise EngineError(_failure(error)) from error


@contextlib.contextmanager
def _engine_errors() -> Iterator[None]:
    """Turn what the SDK raises into failures."""
    import docker.errors
    import requests

    try:
        yield
    except (docker.errors.DockerException, requests.RequestException, OSError) as error:
        raise EngineError(_failure(error)) from error


def _failure(error: Exception) -> Failure:
    return classify(str(getattr(error, "explanation", None) or error))
