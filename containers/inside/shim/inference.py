"""`torch.inference_mode` is `torch.no_grad`.

Tensors made in inference mode (caches of rotary tables) may not take part in a later backward pass. On a
GPU scripts get away with it, because compiled graphs make their own; eager ones do not (#672).
"""

from __future__ import annotations

import functools
from typing import Any

import torch

from .patching import put, used

PART = "inference-mode"


class _NoGrad(torch.no_grad):
    def __new__(cls, mode: bool = True) -> _NoGrad:
        return object.__new__(cls)  # torch's own takes an argument for the function to decorate

    def __init__(self, mode: bool = True) -> None:
        super().__init__()
        self._mode = mode

    def __enter__(self) -> None:
        used(PART, "no_grad")
        if self._mode:
            super().__enter__()

    def __exit__(self, *args: Any) -> None:
        if self._mode:
            super().__exit__(*args)

    def clone(self) -> _NoGrad:
        """Return a fresh context: decorated functions enter one a call."""
        return _NoGrad(self._mode)


def inference_mode(mode: Any = True) -> Any:
    """Work as a context, as a decorator with arguments and as a plain decorator."""
    if callable(mode):
        return _NoGrad()(mode)
    return _NoGrad(mode)


def install() -> None:
    """Replace it where scripts find it."""
    put(torch, "inference_mode", functools.wraps(torch.inference_mode, updated=())(inference_mode))
