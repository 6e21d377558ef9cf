"""Docker with one defence removed: the control of the hostile set, used by nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from containers.engine.docker import DockerBox, DockerEngine
from containers.engine.interface import supervisor_command

if TYPE_CHECKING:
    from containers.engine.layout import Layout
    from containers.request import SandboxRequest
    from tests.containers.hostile.attack import Weakening

_PLAIN = """
import ctypes, runpy, sys
class Libc:
    def __init__(self, name): pass
    def prctl(self, *arguments): return 0
ctypes.CDLL = Libc
path = sys.argv.pop(1)
sys.argv[0] = path
runpy.run_path(path, run_name="__main__")
"""


class WeakenedDocker(DockerEngine):
    """Docker without one defence."""

    def __init__(self, weakening: Weakening, canary: str) -> None:
        """Keep what to leave out."""
        super().__init__()
        self.weakening = weakening
        self.canary = canary

    def box(self, request: SandboxRequest) -> DockerBox:
        """Return a box without the defence."""
        return _WeakBox(self, request)


class _WeakBox(DockerBox):
    def __init__(self, engine: WeakenedDocker, request: SandboxRequest) -> None:
        super().__init__(engine.client, request, engine.missing, engine.cpus)
        self.weakening = engine.weakening
        self.canary = engine.canary
        self.user = self.weakening.user or self.user
        if self.user == "0":
            # Only a box that begins as root passes capabilities on to its commands.
            self.supervisor_user = "0"

    def host_config(self, layout: Layout) -> dict[str, Any]:
        """Change what is to be changed and keep every other lock."""
        config = super().host_config(layout)
        for key, value in self.weakening.config.items():
            if key == "Binds":
                value = [*config["Binds"], *(bind.replace("{canary}", self.canary) for bind in value)]
            config[key] = value
        return config

    def supervisor(self) -> list[str]:
        """Start the supervisor without the lines that shut it to looks."""
        command = supervisor_command(self.request)
        if self.weakening.plain_supervisor:
            python, *flags, path, size, program = command
            return [python, *flags, "-c", _PLAIN, path, size, program]
        return command
