"""Pick the engine: the one asked for, else the first that answers.

Promises never to fall back on less isolation than a person asked for: bubblewrap runs only where it is named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from containers.engine.bubblewrap import BubblewrapEngine
from containers.engine.docker import DockerEngine
from containers.engine.interface import EngineError
from containers.engine.podman import PodmanEngine
from containers.failure import FailureKind, failed

if TYPE_CHECKING:
    from collections.abc import Callable

    from containers.engine.interface import Engine

_ENGINES: dict[str, Callable[[], Engine]] = {
    "docker": DockerEngine,
    "podman": PodmanEngine,
    "bubblewrap": BubblewrapEngine,
}
_UNASKED = ("docker", "podman")
ISOLATIONS = tuple(_ENGINES)


def find_engine(isolation: str | None = None) -> Engine:
    """Return a working engine; raises EngineError with what to install."""
    if isolation is not None:
        return _ENGINES[isolation]()
    tried: list[str] = []
    for name in _UNASKED:
        try:
            return _ENGINES[name]()
        except EngineError as error:
            tried.append(f"{name}: {error.failure.message}")
    raise EngineError(failed(FailureKind.NO_ENGINE, "; ".join(tried)))
