"""Leave the choice of an attention kernel to the CPU.

The switches for flash, cuDNN and the rest do nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.attention

from .patching import constant, put, used

PART = "attention-backends"
_SWITCHES = "enable_flash_sdp enable_mem_efficient_sdp enable_math_sdp enable_cudnn_sdp".split()


@contextlib.contextmanager
def _any_backend(*_: Any, **__: Any) -> Iterator[None]:
    used(PART, "the CPU chooses its own kernel")
    yield


def install() -> None:
    """Make the switches and the contexts do nothing."""
    for name in _SWITCHES:
        put(torch.backends.cuda, name, constant(PART, None))
    put(torch.backends.cuda, "sdp_kernel", _any_backend)
    put(torch.nn.attention, "sdpa_kernel", _any_backend)
