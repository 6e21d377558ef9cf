"""The attention kernel, chosen once at start: FlashAttention 3, FlashAttention 2, tiles on a CPU, or SDPA.

Promises the same causal attention whichever is chosen, up to rounding. FlashAttention is used on CUDA in half
precision only, tiles on a CPU in bf16 only; all else, and attention with a document mask, goes to SDPA.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

FLASH_MODULES = {"fa3": "flash_attn_interface", "fa2": "flash_attn"}
# Queries and sequences of a tile: its scores, 2 MB in bf16 at 8 heads and 512 keys, stay in a core's cache.
TILE_QUERIES, TILE_ROWS = 128, 2


class AttentionBackend:
    """The chosen kernel and its name."""

    name = "sdpa"
    flash: Callable[..., Any] | None = None
    tiles = True  # On a CPU; an evaluation that chose nothing computes as the training did.


def choose_backend(wanted: str, device_type: str) -> str:
    """Choose the kernel for this process and return its name.

    Raises ImportError when a kernel is demanded by name and cannot be had.
    """
    candidates = ("fa3", "fa2") if wanted == "auto" else (wanted,)
    AttentionBackend.name, AttentionBackend.flash = "sdpa", None
    AttentionBackend.tiles = wanted == "auto"
    if wanted == "auto" and device_type == "cpu":
        AttentionBackend.name = "sdpa+tiles"
        return "sdpa+tiles"
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
    if AttentionBackend.tiles and mask is None and q.device.type == "cpu" and q.dtype == torch.bfloat16:
        rows = zip(q.split(TILE_ROWS), k.split(TILE_ROWS), v.split(TILE_ROWS), strict=True)
        # Autocast would copy every tile to fp32 for its softmax, which sums in fp32 anyway.
        with torch.autocast("cpu", enabled=False):
            return torch.cat([attend_in_tiles(*few) for few in rows])
    q, k, v = q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)
    y = F.scaled_dot_product_attention(
        q, k, v, attn_mask=mask, is_causal=mask is None, enable_gqa=q.size(1) != k.size(1)
    )
    return y.transpose(1, 2)


def attend_in_tiles(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Causal attention by plain products, a span of queries at a time against the keys up to its end.

    Shapes as in `attend`. On one core SDPA in bf16 takes twice as long forwards and backwards, at 256 tokens
    and at 1024; in fp32 it is as fast. Queries that share a key head are rows of one product, so keys are
    never repeated.
    """
    batch, length, heads, dim = q.shape
    shared = heads // k.size(2)
    # [B, KV, G, T, d], [B * KV, d, T], [B * KV, T, d]
    q = (q * dim**-0.5).view(batch, length, -1, shared, dim).permute(0, 2, 3, 1, 4)
    keys = k.permute(0, 2, 3, 1).reshape(-1, dim, length)
    values = v.transpose(1, 2).reshape(-1, length, dim)
    span = min(TILE_QUERIES, length)
    later = torch.full((span, span), float("-inf"), dtype=q.dtype).triu(1)
    parts = []
    for start in range(0, length, span):
        end = min(start + span, length)
        count = end - start
        scores = torch.bmm(q[:, :, :, start:end].reshape(-1, shared * count, dim), keys[:, :, :end])
        scores.view(-1, shared, count, end)[..., start:].add_(later[:count, :count])
        heard = torch.bmm(F.softmax(scores, dim=-1), values[:, :end])
        parts.append(heard.view(batch, -1, shared, count, dim))
    return torch.cat(parts, dim=3).permute(0, 3, 1, 2, 4).reshape(batch, length, heads, dim)
