"""Autocast on "cuda" is autocast on the CPU; float16, which the CPU has no kernels for, becomes bfloat16."""

from __future__ import annotations

import functools
from typing import Any

import torch
import torch.amp.autocast_mode as autocast_mode

from .devices import is_cuda
from .patching import put, used

PART = "autocast"


def install() -> None:
    """Redirect `torch.autocast` and its older spellings."""
    real = autocast_mode.autocast.__init__

    @functools.wraps(real)
    def init(self: Any, device_type: str, dtype: Any = None, *args: Any, **kwargs: Any) -> None:
        if is_cuda(device_type):
            used(PART, "autocast of the CPU")
            device_type = "cpu"
            dtype = torch.bfloat16 if dtype in (None, torch.float16) else dtype
            if dtype == torch.float32:
                kwargs["enabled"], dtype = False, torch.bfloat16
        real(self, device_type, dtype, *args, **kwargs)

    put(autocast_mode.autocast, "__init__", init)
    put(torch, "get_autocast_gpu_dtype", lambda: torch.get_autocast_dtype("cpu"))
    put(torch, "is_autocast_enabled", _enabled(torch.is_autocast_enabled))
    put(torch, "get_autocast_dtype", _dtype(torch.get_autocast_dtype))


def _enabled(real: Any) -> Any:
    @functools.wraps(real)
    def enabled(device_type: str = "cpu") -> bool:
        return bool(real("cpu" if is_cuda(device_type) else device_type))

    return enabled


def _dtype(real: Any) -> Any:
    @functools.wraps(real)
    def dtype(device_type: str) -> Any:
        return real("cpu" if is_cuda(device_type) else device_type)

    return dtype
