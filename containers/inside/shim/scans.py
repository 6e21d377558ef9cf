"""State-space scans and the causal convolution of `mamba_ssm` and `causal_conv1d`, one step at a time.

The recurrences as their papers define them, in float32, differentiable by autograd. Slow for long
sequences, exact for the short ones of a smoke run.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as functional

from .patching import used


def selective_scan_fn(
    u: Any,
    delta: Any,
    A: Any,  # noqa: N803 - named as the package names them
    B: Any,  # noqa: N803
    C: Any,  # noqa: N803
    D: Any = None,  # noqa: N803
    z: Any = None,
    delta_bias: Any = None,
    delta_softplus: bool = False,
    return_last_state: bool = False,
) -> Any:
    """Scan u and delta (batch, channels, steps) with A (channels, states) and B, C shared or by group."""
    used("selective-scan", "one step at a time")
    step = delta.float() + (delta_bias.float()[:, None] if delta_bias is not None else 0.0)
    step = functional.softplus(step) if delta_softplus else step
    channels, states = A.shape
    into, out = _by_channel(B.float(), channels), _by_channel(C.float(), channels)
    state = u.new_zeros((u.shape[0], channels, states), dtype=torch.float32)
    rows = []
    for t in range(u.shape[-1]):
        decay = torch.exp(step[:, :, t, None] * A.float())
        state = decay * state + (step[:, :, t] * u[:, :, t].float())[..., None] * into(t)
        rows.append((state * out(t)).sum(-1))
    y = torch.stack(rows, dim=-1)
    y = y + u.float() * D.float()[:, None] if D is not None else y
    y = y * functional.silu(z.float()) if z is not None else y
    y = y.to(u.dtype)
    return (y, state) if return_last_state else y


def _by_channel(matrix: Any, channels: int) -> Any:
    """Return a function from step to (batch or 1, channels, states) for any of the accepted shapes."""
    if matrix.dim() == 2:
        return lambda _: matrix[None]
    if matrix.dim() == 3:
        return lambda t: matrix[:, None, :, t]
    wide = matrix.repeat_interleave(channels // matrix.shape[1], dim=1)
    return lambda t: wide[..., t]


def mamba_chunk_scan_combined(
    x: Any,
    dt: Any,
    A: Any,  # noqa: N803
    B: Any,  # noqa: N803
    C: Any,  # noqa: N803
    chunk_size: int = 0,
    D: Any = None,  # noqa: N803
    z: Any = None,
    dt_bias: Any = None,
    initial_states: Any = None,
    seq_idx: Any = None,
    cu_seqlens: Any = None,
    dt_softplus: bool = False,
    dt_limit: tuple[float, float] = (0.0, float("inf")),
    return_final_states: bool = False,
    **_: Any,
) -> Any:
    """Scan x (batch, steps, heads, dim) with dt (batch, steps, heads), A (heads), B and C by group."""
    used("chunk-scan", "one step at a time")
    step = dt.float() + (dt_bias.float() if dt_bias is not None else 0.0)
    step = (functional.softplus(step) if dt_softplus else step).clamp(*dt_limit)
    batch, steps, heads, dim = x.shape
    into, out = (item.float().repeat_interleave(heads // item.shape[2], dim=2) for item in (B, C))
    state = x.new_zeros((batch, heads, dim, B.shape[-1]), dtype=torch.float32)
    state = initial_states.float() if initial_states is not None else state
    rows = []
    for t in range(steps):
        if seq_idx is not None and t and bool((seq_idx[:, t] != seq_idx[:, t - 1]).any()):
            state = state * (seq_idx[:, t] == seq_idx[:, t - 1])[:, None, None, None]
        decay = torch.exp(step[:, t] * A.float())[..., None, None]
        added = (step[:, t, :, None] * x[:, t].float())[..., None] * into[:, t, :, None]
        state = decay * state + added
        rows.append((state * out[:, t, :, None]).sum(-1))
    y = torch.stack(rows, dim=1)
    y = y + x.float() * (D.float() if D.dim() == 2 else D.float()[:, None]) if D is not None else y
    y = (y * functional.silu(z.float()) if z is not None else y).to(x.dtype)
    return (y, state) if return_final_states else y


def causal_conv1d_fn(
    x: Any,
    weight: Any,
    bias: Any = None,
    seq_idx: Any = None,
    initial_states: Any = None,
    *_: Any,
    **more: Any,
) -> Any:
    """Convolve x (batch, channels, steps) with weight (channels, width), looking back only."""
    used("causal-conv1d", "a padded convolution")
    width = weight.shape[-1]
    past = initial_states if initial_states is not None else x.new_zeros((*x.shape[:2], width - 1))
    padded = torch.cat((past.to(x.dtype), x), dim=-1)
    y = functional.conv1d(padded, weight[:, None].to(x.dtype), bias, groups=x.shape[1])
    y = functional.silu(y) if more.get("activation") in ("silu", "swish") else y
    return (y, padded[..., -(width - 1) :]) if more.get("return_final_states") else y
