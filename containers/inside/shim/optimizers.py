"""Optimizers without `capturable`.

Torch refuses it for parameters on the CPU. `fused` has CPU kernels and stays.
"""

from __future__ import annotations

import functools
from typing import Any

import torch

from .patching import put, used

PART = "optimizer-capturable"


def install() -> None:
    """Take `capturable` out of what an optimizer is made with."""
    real = torch.optim.Optimizer.__init__

    @functools.wraps(real)
    def init(self: Any, params: Any, defaults: dict[str, Any]) -> None:
        if defaults.get("capturable"):
            used(PART, "capturable=False")
            defaults["capturable"] = False
        real(self, params, defaults)

    put(torch.optim.Optimizer, "__init__", init)
