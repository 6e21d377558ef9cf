"""Watch the weights of MLX modules change, and the files that MLX writes and reads without Python."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any

from ..shim.patching import put
from .recorder import RECORDER, site_of_theirs
from .trace import Event, Kind
from .watch_files import Files
from .watch_mlx import MlxLosses
from .watch_weights import digest

_SAVERS = {"save": ".npy", "save_safetensors": ".safetensors", "save_gguf": ".gguf"}
"""Functions that write, to the ending that each adds to a name without it."""
_BY_PYTHON = ".npz"
"""Ending of files that MLX opens as Python does."""


class MlxWeights:
    """The weights of all MLX modules of this process.

    Weights that are replaced after a gradient are a step, whoever computed it; all others are assigned.
    """

    def __init__(self, losses: MlxLosses) -> None:
        self.losses = losses
        self.gradients = losses.gradients
        self._stepped = False
        """Whether an optimizer has computed weights that no module has got yet."""
        self._loading = False

    def install(self, nn: Any, optimizers: Any) -> None:
        """Begin to watch modules and optimizers."""
        put(nn.Module, "update", self._update(nn.Module.update))
        put(nn.Module, "load_weights", self._load_weights(nn.Module.load_weights))
        put(optimizers.Optimizer, "apply_gradients", self._apply(optimizers.Optimizer.apply_gradients))

    def _update(self, real: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(real)
        def update(module: Any, *args: Any, **kwargs: Any) -> Any:
            result = real(module, *args, **kwargs)
            if self._stepped:
                self._stepped = False
            elif not self.gradients.depth and not self._loading:
                self._put(Kind.UPDATE if self.gradients.taken else Kind.ASSIGN, module.parameters())
            return result

        return update

    def _load_weights(self, real: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(real)
        def load_weights(module: Any, *args: Any, **kwargs: Any) -> Any:
            self._loading = True
            try:
                result = real(module, *args, **kwargs)
            finally:
                self._loading = False
            self._put(Kind.ASSIGN, module.parameters())
            return result

        return load_weights

    def _apply(self, real: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(real)
        def apply_gradients(optimizer: Any, *args: Any, **kwargs: Any) -> Any:
            made = real(optimizer, *args, **kwargs)
            self._stepped = True
            self._put(Kind.UPDATE, made)
            return made

        return apply_gradients

    def _put(self, kind: Kind, weights: Any) -> None:
        self.gradients.taken = False
        if RECORDER.open:
            RECORDER.put(Event(kind, site_of_theirs(), RECORDER.phase, state=self._digest(weights)))

    def _digest(self, weights: Any) -> int:
        from mlx.utils import tree_flatten

        leaves = [leaf for _, leaf in tree_flatten(weights) if isinstance(leaf, self.losses.mx.array)]
        try:
            return digest([self.losses.tensor(leaf) for leaf in leaves])
        except ValueError:  # inside a transformation in which nobody may look
            return 0


def watch_files(mx: Any, files: Files) -> None:
    """Tell of files that MLX opens itself; an archive of arrays is opened by Python, which tells."""
    for name, ending in _SAVERS.items():
        put(mx, name, _saver(getattr(mx, name), ending, files))
    real = mx.load

    @functools.wraps(real)
    def load(file: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(file, str | os.PathLike) and not os.fspath(file).endswith(_BY_PYTHON):
            files.opened(os.path.realpath(file), "r", 0)
        return real(file, *args, **kwargs)

    put(mx, "load", load)


def _saver(real: Callable[..., Any], ending: str, files: Files) -> Callable[..., Any]:
    @functools.wraps(real)
    def save(file: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(file, str | os.PathLike):
            path = os.path.realpath(file)
            files.wrote(path if path.endswith(ending) else path + ending)
        return real(file, *args, **kwargs)

    return save
