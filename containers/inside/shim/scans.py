"""State-space scans and the causal convolution of `mamba_ssm` and `causal_conv1d`, one step at a time.

The recurrences as their papers define them, in float32, differentiable by autograd. Slow for long
sequences, exact for the short ones of a smoke run. For the backward pass only the states between pieces are
kept; the steps of a piece are computed again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as functional
from torch.utils.checkpoint import checkpoint

from .patching import used

PIECE = 16
"""Steps of one piece."""


def in_pieces(run: Callable[..., Any], state: Any, items: tuple[Any, ...], dim: int) -> tuple[Any, Any]:
    """Run `run(state, *items) -> (rows, state)` over pieces of the items' dimension of time."""
    rows = []
    for pieces in zip(*(item.split(PIECE, dim) for item in items), strict=True):
        if torch.is_grad_enabled():
            row, state = checkpoint(run, state, *pieces, use_reentrant=False, preserve_rng_state=False)
        else:
            row, state = run(state, *pieces)
        rows.append(row)
    return torch.cat(rows, dim), state


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
    given = step, u.float(), _by_channel(B.float(), channels), _by_channel(C.float(), channels)
    state = u.new_zeros((u.shape[0], channels, states), dtype=torch.float32)
    decays = A.float()

    def run(state: Any, step: Any, u: Any, into: Any, out: Any) -> tuple[Any, Any]:
        decay = torch.exp(step[:, :, None] * decays[..., None])
        states = _recur(state, decay, (step * u)[:, :, None] * into, -1)
        return (states * out).sum(2), states[..., -1]

    length = u.shape[-1]
    y, state = in_pieces(run, state, tuple(item.expand(*item.shape[:-1], length) for item in given), -1)
    y = y + u.float() * D.float()[:, None] if D is not None else y
    y = y * functional.silu(z.float()) if z is not None else y
    y = y.to(u.dtype)
    return (y, state) if return_last_state else y


def _recur(state: Any, decay: Any, added: Any, dim: int) -> Any:
    """Return the states of every step along `dim`: each is the one before, decayed, and what is added."""
    states = []
    for kept, more in zip(decay.unbind(dim), added.unbind(dim), strict=True):
        state = torch.addcmul(more, kept, state)
        states.append(state)
    return torch.stack(states, dim)


def _by_channel(matrix: Any, channels: int) -> Any:
    """Return any of the accepted shapes as (batch or 1, channels or 1, states, steps or 1)."""
    if matrix.dim() == 2:
        return matrix[None, ..., None]
    if matrix.dim() == 3:
        return matrix[:, None]
    return matrix.repeat_interleave(channels // matrix.shape[1], dim=1)


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
    stays = _stays(seq_idx, batch, steps, x.device)
    decays = A.float()

    def run(state: Any, step: Any, x: Any, into: Any, out: Any, stays: Any) -> tuple[Any, Any]:
        decay = (torch.exp(step * decays) * stays[..., None])[..., None, None]
        states = _recur(state, decay, (step[..., None] * x)[..., None] * into[..., None, :], 1)
        return (states * out[..., None, :]).sum(-1), states[:, -1]

    y, state = in_pieces(run, state, (step, x.float(), into, out, stays), 1)
    y = y + x.float() * (D.float() if D.dim() == 2 else D.float()[:, None]) if D is not None else y
    y = (y * functional.silu(z.float()) if z is not None else y).to(x.dtype)
    return (y, state) if return_final_states else y


def _stays(seq_idx: Any, batch: int, steps: int, device: Any) -> Any:
    """Return (batch, steps): 0 where another sequence begins and the state with it, else 1."""
    stays = torch.ones((batch, steps), device=device)
    if seq_idx is not None and steps > 1:
        stays[:, 1:] = (seq_idx[:, 1:] == seq_idx[:, :-1]).float()
    return stays


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
