"""The engines that can run a box: Docker, Podman, bubblewrap. One contract, one test for all of them.

`find_engine` picks one, `run` takes a request through it and always returns a `SandboxResult`.
"""

from __future__ import annotations

from containers.engine.choice import ISOLATIONS, find_engine
from containers.engine.interface import Engine, EngineError
from containers.engine.session import run

__all__ = ["ISOLATIONS", "Engine", "EngineError", "find_engine", "run"]
