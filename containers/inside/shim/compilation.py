"""`torch.compile` returns what it was given; CUDA graphs and inductor settings are accepted and do nothing.

`torch._dynamo` must have been imported before torch's factories are replaced: it looks at them when it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch._dynamo

from .patching import put, used

PART = "torch-compile"
LISTENERS: list[Callable[[Any], None]] = []
"""Called with everything that is compiled: the build stage finds the model by it."""


def compiled(model: Any = None, **_: Any) -> Any:
    """Return the function or module as it is, or a decorator that does."""
    used(PART, "identity")
    if model is None:
        return compiled
    for listener in LISTENERS:
        listener(model)
    return model


def install() -> None:
    """Replace `torch.compile` and `Module.compile`."""

    def compile_in_place(self: Any, *_: Any, **__: Any) -> None:
        compiled(self)

    put(torch, "compile", compiled)
    put(torch.nn.Module, "compile", compile_in_place)
    put(torch._dynamo, "optimize", lambda *_, **__: compiled)
    put(torch.compiler, "compile", compiled)
