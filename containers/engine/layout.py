"""Lay out the files of a request on the host, for an engine to mount read-only.

Promises that only regular files below one fresh folder are written, whatever a path says, and that they are
readable by the users in the box and writable by nobody there.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from containers.engine.interface import SUBMISSION_USER, SUPERVISOR_USER

if TYPE_CHECKING:
    from containers.request import SandboxRequest

HOSTNAME: Final = "box"
HOSTS: Final = f"127.0.0.1 localhost {HOSTNAME}\n::ffff:127.0.0.1 localhost {HOSTNAME}\n".encode()
"""Processes of one run look for one another by the name of their machine. Asked of a server, that name is
neither found nor told apart from a way out. A box may have no ::1, so who asks for IPv6 gets the address of
IPv4 in its mapped form, which torch also looks up in reverse."""


_USERS: Final = (
    f"supervisor:x:{SUPERVISOR_USER}:{SUPERVISOR_USER}::/nonexistent:/usr/sbin/nologin\n"
    f"submission:x:{SUBMISSION_USER}:{SUBMISSION_USER}::/scratch:/bin/sh\n"
).encode()
"""As in the image. Some libraries do not start for a user without a name (torch.compile asks for its own)."""


class Layout:
    """A temporary folder with `submission/`, `job/`, `hosts` and `passwd`."""

    def __init__(self, request: SandboxRequest) -> None:
        """Write the files."""
        self.root = Path(tempfile.mkdtemp(prefix="referee-box-"))
        try:
            self._write(request)
        except BaseException:
            self.remove()
            raise

    @property
    def mounts(self) -> dict[str, str]:
        """Host folder by the path it has in the box."""
        names = {"/submission": "submission", "/job": "job", "/etc/hosts": "hosts"}
        return {path: str(self.root / name) for path, name in names.items()}

    @property
    def users(self) -> str:
        """File of the host with the users of the box, for an engine whose root has none."""
        return str(self.root / "passwd")

    def remove(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.root, ignore_errors=True)

    def _write(self, request: SandboxRequest) -> None:
        for name in ("submission", "job"):
            (self.root / name).mkdir(mode=0o755)
        _put(self.root / "job" / "job.json", request.job)
        _put(self.root / "hosts", HOSTS)
        _put(self.root / "passwd", _USERS)
        for name, data in request.files:
            _put(self.root / "submission" / _safe(name), data)
        # mkdtemp made it for us alone; the users in the box have to get through.
        self.root.chmod(0o755)


def _safe(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or not path.parts or ".." in path.parts or "\0" in name:
        raise ValueError(f"not a path inside the submission: {name!r}")
    return path


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    path.write_bytes(data)
    path.chmod(0o444)
