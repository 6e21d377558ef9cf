"""Look at the host from outside the box: what an attack would have changed, opened or left running."""

from __future__ import annotations

import contextlib
import ctypes
import socket
import threading
from pathlib import Path

import docker.errors

_SWITCHES = (
    "/proc/sys/kernel/core_pattern",
    "/proc/sys/kernel/hostname",
    "/proc/sys/vm/overcommit_memory",
    "/proc/sys/kernel/sysrq",
)
_IPC_CREAT = 0o1000
_IPC_RMID = 0


class Outside:
    """A host with something to steal: a secret, a listener, shared memory; and what it looked like before."""

    def __init__(self, folder: Path) -> None:
        """Set it up and remember it."""
        self.canary = folder / "canary"
        self.canary.mkdir()
        (self.canary / "secret").write_text("secret of the host")
        folder.chmod(0o755)
        self.canary.chmod(0o755)
        self.visits: list[str] = []
        self._listen()
        self._share()
        self.before = self._state()

    def _listen(self) -> None:
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.port = self.tcp.getsockname()[1]
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", self.port))
        self.unix = socket.socket(socket.AF_UNIX)
        self.unix.bind(f"\0referee-hostile-{self.port}")
        self.unix.listen()
        for visitor in (self._accept_tcp, self._accept_unix, self._answer_udp):
            threading.Thread(target=visitor, daemon=True).start()

    def _accept_tcp(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self.tcp.accept()
                self.visits.append("tcp")

    def _accept_unix(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self.unix.accept()
                self.visits.append("unix")

    def _answer_udp(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                _, address = self.udp.recvfrom(100)
                if address is None:  # Closed under us.
                    return
                self.visits.append("udp")
                self.udp.sendto(b"welcome", address)

    def _share(self) -> None:
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.segment = self.libc.shmget(self.port, 4096, _IPC_CREAT | 0o666)
        assert self.segment >= 0

    def _state(self) -> dict[str, bytes]:
        state = {name: Path(name).read_bytes() for name in _SWITCHES if Path(name).exists()}
        for path in sorted(self.canary.rglob("*")):
            state[str(path)] = path.read_bytes()
        passwd = Path("/etc/passwd")
        state["passwd"] = passwd.read_bytes() + str(passwd.stat().st_mtime_ns).encode()
        state["left"] = b" ".join(sorted(str(path).encode() for path in _traces()))
        return state

    def changes(self) -> list[str]:
        """Return what differs from before, visitors included."""
        after = self._state()
        changed = [name for name in {**self.before, **after} if self.before.get(name) != after.get(name)]
        return changed + self.visits

    def close(self) -> None:
        """Take it down again."""
        for opened in (self.tcp, self.udp, self.unix):
            with contextlib.suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)
            opened.close()
        self.libc.shmctl(self.segment, _IPC_RMID, None)


def _traces() -> list[Path]:
    """Return files of the name that the attacks would leave on the host."""
    folders = ("/", "/etc", "/etc/cron.d", "/usr/bin", "/var/tmp", "/root", "/tmp", "/run")
    return [
        Path(folder) / "referee-hostile" for folder in folders if (Path(folder) / "referee-hostile").exists()
    ]


def container_is_gone(client: docker.DockerClient, container: str) -> bool:
    """Whether the engine knows nothing of a container any more."""
    try:
        client.api.inspect_container(container)
    except docker.errors.NotFound:
        return True
    return False


def processes_of(container: str) -> list[int]:
    """Return the host's processes that belong to a container, by their control groups."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if container in (entry / "cgroup").read_text():
                    found.append(int(entry.name))
    return found
