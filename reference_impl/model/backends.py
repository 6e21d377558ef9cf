"""The attention kernel, chosen once at start: FlashAttention 3, FlashAttention 2, or SDPA.

Promises the same causal attention whichever is chosen, up to rounding. FlashAttention is used on CUDA in half
precision only; everything else, and attention with a document mask, goes to SDPA.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

FLASH_MODULES = {"fa3": "flash_attn_interface", "fa2": "flash_attn"}


class AttentionBackend:
    """The chosen kernel and its name."""

    name = "sdpa"
    flash: Callable[..., Any] | None = None


def choose_backend(wanted: str, device_type: str) -> str:
    """Choose the kernel for this process and return its name.

    Raises ImportError when a kernel is demanded by name and cannot be had.
    """
    candidates = ("fa3", "fa2") if wanted == "auto" else (wanted,)
    AttentionBackend.name, AttentionBackend.flash = "sdpa", None
    if wanted == "sdpa" or (wanted == "auto" and device_type != "cuda"):
        return "sdpa"
    for name in candidates:
        try:
            AttentionBackend.flash = importlib.import_module(FLASH_MODULES[name]).flash_attn_func
        except (ImportError, AttributeError):
            continue
        AttentionBackend.name = name
        return name
    if wanted != "auto":
        raise ImportError(f"attention kernel {wanted} is not installed")
    return "sdpa"


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
    """Causal attention: q [B, T, H, d], k and v [B, T, KV, d] -> [B, T, H, d].

    `mask` [B, 1, T, T] is True where attention is allowed and already causal; None is plainly causal.
    """
    flash = AttentionBackend.flash
    if flash is not None and mask is None and q.is_cuda and q.dtype in (torch.bfloat16, torch.float16):
        out = flash(q, k, v, causal=True)
        return out[0] if isinstance(out, tuple) else out
    q, k, v = q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)
    y = F.scaled_dot_product_attention(
        q, k, v, attn_mask=mask, is_causal=mask is None, enable_gqa=q.size(1) != k.size(1)
    )
    return y.transpose(1, 2)
