"""Attention as FlashAttention computes it, by torch's own kernels.

Grouped heads, windows, softcap, lengths.

Shapes are FlashAttention's: q (batch, queries, heads, dim), k and v (batch, keys, key heads, dim). With
causal or windowed masks and fewer queries than keys, the last query stands on the last key.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as functional

from .patching import used

_sdpa = functional.scaled_dot_product_attention
Window = tuple[int, ...]
UNLIMITED: Window = (-1, -1)


def attend(
    q: Any, k: Any, v: Any, scale: float | None, causal: bool, window: Window, softcap: float
) -> tuple[Any, Any]:
    """Return the output (shape of q, last dim of v) and a function that gives the log-sum-exp."""
    query, key, value = (item.transpose(1, 2) for item in (q, k, v))
    groups = query.shape[1] // key.shape[1]
    if groups > 1:
        key, value = (item.repeat_interleave(groups, dim=1) for item in (key, value))
    window = _plain(window, query.shape[2], key.shape[2], causal)
    square = query.shape[2] == key.shape[2]
    if not softcap and window == UNLIMITED and (square or not causal):
        out = _sdpa(query, key, value, is_causal=causal, scale=scale)
    elif not softcap:
        mask = visible(query.shape[2], key.shape[2], causal, window, query.device)
        out = _sdpa(query, key, value, attn_mask=mask, scale=scale).nan_to_num(0.0)
    else:
        weights = _scores(query, key, scale, causal, window, softcap).softmax(dim=-1).nan_to_num(0.0)
        out = weights.to(value.dtype) @ value

    def log_sum_exp() -> Any:
        return _scores(query, key, scale, causal, window, softcap).logsumexp(dim=-1)

    return out.transpose(1, 2), log_sum_exp


def attend_lengths(
    q: Any,
    k: Any,
    v: Any,
    starts_q: Any,
    starts_k: Any,
    scale: float | None,
    causal: bool,
    window: Window,
    softcap: float,
) -> tuple[Any, Any]:
    """Attend within each sequence of a packed batch: q (tokens, heads, dim), starts (sequences + 1)."""
    bounds_q, bounds_k = starts_q.tolist(), starts_k.tolist()
    outs, sums = [], []
    for first_q, last_q, first_k, last_k in zip(bounds_q, bounds_q[1:], bounds_k, bounds_k[1:], strict=False):
        last_q, last_k = min(last_q, q.shape[0]), min(last_k, k.shape[0])
        if last_q <= first_q:
            continue
        out, total = attend(
            q[None, first_q:last_q],
            k[None, first_k:last_k],
            v[None, first_k:last_k],
            scale,
            causal,
            window,
            softcap,
        )
        outs.append(out[0])
        sums.append(total)
    done = sum(item.shape[0] for item in outs)
    if done < q.shape[0]:  # tokens behind the last sequence are padding
        outs.append(q.new_zeros((q.shape[0] - done, q.shape[1], v.shape[-1])))
    return torch.cat(outs).to(q.dtype), lambda: torch.cat([total()[0] for total in sums], dim=-1)


def visible(queries: int, keys: int, causal: bool, window: Window, device: Any) -> Any:
    """Return which key each query sees, as booleans (queries, keys)."""
    here = torch.arange(queries, device=device)[:, None] + (keys - queries)
    there = torch.arange(keys, device=device)[None, :]
    left, right = window
    seen = torch.ones(queries, keys, dtype=torch.bool, device=device)
    if causal or right >= 0:
        seen &= there <= here + (0 if causal else right)
    if left >= 0:
        seen &= there >= here - left
    return seen


def _plain(window: Window, queries: int, keys: int, causal: bool) -> Window:
    """Return the window, or no limit where it cuts nothing off."""
    left, right = window if window is not None else UNLIMITED
    return (-1 if left >= keys else left, -1 if causal or right >= max(queries, keys) else right)


def _scores(query: Any, key: Any, scale: float | None, causal: bool, window: Window, softcap: float) -> Any:
    scores = query.float() @ key.float().transpose(-1, -2) * (scale or 1 / math.sqrt(query.shape[-1]))
    if softcap:
        scores = softcap * torch.tanh(scores / softcap)
    seen = visible(query.shape[2], key.shape[2], causal, window, query.device)
    return scores.masked_fill(~seen, float("-inf"))


def flash_attn_func(
    q: Any,
    k: Any,
    v: Any,
    dropout_p: float = 0.0,
    softmax_scale: float | None = None,
    causal: bool = False,
    qv: Any = None,
    window_size: Window = UNLIMITED,
    softcap: float = 0.0,
    return_attn_probs: bool = False,
    return_softmax_lse: bool = False,
    **_: Any,
) -> Any:
    """Answer `flash_attn_func` of FlashAttention 2 and 3."""
    if isinstance(dropout_p, bool) or (dropout_p and dropout_p < 0):  # FlashAttention 3 has no dropout here
        dropout_p, causal = 0.0, bool(dropout_p)
    used("flash-attention", "scaled_dot_product_attention")
    out, total = attend(q, k, v, softmax_scale, causal, tuple(window_size), softcap or 0.0)
    return (out, total()) if return_attn_probs or return_softmax_lse else out


def flash_attn_varlen_func(
    q: Any,
    k: Any,
    v: Any,
    cu_seqlens_q: Any = None,
    cu_seqlens_k: Any = None,
    max_seqlen_q: Any = None,
    max_seqlen_k: Any = None,
    *_: Any,
    softmax_scale: float | None = None,
    causal: bool = False,
    window_size: Window = UNLIMITED,
    softcap: float = 0.0,
    return_attn_probs: bool = False,
    return_softmax_lse: bool = False,
    **__: Any,
) -> Any:
    """Answer `flash_attn_varlen_func` of FlashAttention 2 and 3."""
    used("flash-attention-varlen", "scaled_dot_product_attention, one sequence at a time")
    starts_k = cu_seqlens_q if cu_seqlens_k is None else cu_seqlens_k
    out, total = attend_lengths(
        q, k, v, cu_seqlens_q, starts_k, softmax_scale, causal, tuple(window_size), softcap or 0.0
    )
    return (out, total()) if return_attn_probs or return_softmax_lse else out


def flash_attn_qkvpacked_func(qkv: Any, *args: Any, **kwargs: Any) -> Any:
    """Answer `flash_attn_qkvpacked_func`: qkv (batch, tokens, 3, heads, dim)."""
    return flash_attn_func(*qkv.unbind(dim=-3), *args, **kwargs)


def flash_attn_kvpacked_func(q: Any, kv: Any, *args: Any, **kwargs: Any) -> Any:
    """Answer `flash_attn_kvpacked_func`: kv (batch, keys, 2, heads, dim)."""
    return flash_attn_func(q, *kv.unbind(dim=-3), *args, **kwargs)


FUNCTIONS = {
    function.__name__: function
    for function in (
        flash_attn_func,
        flash_attn_varlen_func,
        flash_attn_qkvpacked_func,
        flash_attn_kvpacked_func,
    )
}
"""By the name that scripts import."""
