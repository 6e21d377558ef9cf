"""Begin to watch MLX where a source imports it, and keep it alive in the forks of a replay."""

from __future__ import annotations

import gc
import re
import signal
from typing import Any

from .watch_files import Files
from .watch_mlx import Gradients, MlxLosses
from .watch_mlx_weights import MlxWeights, watch_files

_IMPORTS = re.compile(r"\b(?:import|from)\s+mlx\b")
FORK_SECONDS = 60
"""After which a fork ends that waits for a thread which only its parent has."""


class MlxRun:
    """What is done about MLX in one run."""

    def __init__(self, files: Files) -> None:
        self.files = files
        self.mx: Any = None
        self.nn: Any = None

    def learn(self, text: str) -> None:
        """Begin to watch, once, where a source imports MLX; scripts for torch often speak of it."""
        if self.mx is not None or not _IMPORTS.search(text):
            return
        try:
            import mlx.core as mx
            import mlx.nn as nn
            import mlx.optimizers as optimizers
        except ImportError:
            return
        self.mx, self.nn = mx, nn
        gradients = Gradients()
        gradients.install(mx)
        losses = MlxLosses(mx, gradients)
        losses.install(nn)
        MlxWeights(losses).install(nn, optimizers)
        watch_files(mx, self.files)

    def settle(self, _: Any) -> None:
        """Compute all weights: what was put off would wait for a thread that a fork does not have."""
        if self.mx is not None:
            modules = [item for item in gc.get_objects() if issubclass(type(item), self.nn.Module)]
            self.mx.eval(self.mx.random.state, [self.nn.Module.parameters(module) for module in modules])

    def revive(self) -> None:
        """Give a fork a thread of its own to compute in, and an end if that is not enough."""
        if self.mx is not None:
            signal.alarm(FORK_SECONDS)
            self.mx.set_default_stream(self.mx.new_stream(self.mx.cpu))
