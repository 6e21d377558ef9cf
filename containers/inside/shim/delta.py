"""Gated delta networks of `fla` (flash-linear-attention), one step at a time.

The recurrence as its paper defines it, in float32, behind a layer with the names and shapes of the package's
parameters. Promises the layer for training and plain evaluation; caches, packed sequences and the package's
other layers are gaps.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as functional
from torch import nn

from .patching import gap, used
from .scans import causal_conv1d_fn, in_pieces


def gated_delta_rule(
    q: Any,
    k: Any,
    v: Any,
    g: Any,
    beta: Any,
    scale: float | None = None,
    initial_state: Any = None,
    output_final_state: bool = False,
    use_qk_l2norm_in_kernel: bool = False,
    cu_seqlens: Any = None,
    **_: Any,
) -> tuple[Any, Any]:
    """Return outputs (batch, steps, heads, width of v) and the last state.

    q and k are (batch, steps, heads, width), g (the logarithm of the decay) and beta (batch, steps, heads).
    """
    used("gated-delta-rule", "one step at a time")
    if cu_seqlens is not None:
        raise gap("module", "fla: packed sequences of the gated delta rule")
    if use_qk_l2norm_in_kernel:
        q, k = (functional.normalize(item.float(), dim=-1) for item in (q, k))
    batch, _steps, heads, width = k.shape
    factor = scale if scale is not None else width**-0.5
    state = k.new_zeros((batch, heads, width, v.shape[-1]), dtype=torch.float32)
    state = initial_state.float() if initial_state is not None else state
    items = (q.float() * factor, k.float(), v.float(), g.float().exp(), beta.float())
    rows, state = in_pieces(_steps_of, state, items, 1)
    return rows.to(v.dtype), state if output_final_state else None


def _steps_of(state: Any, q: Any, k: Any, v: Any, decay: Any, beta: Any) -> tuple[Any, Any]:
    """Decay the state, then move what it says at k towards v by beta, and read it at q."""
    rows = []
    for t in range(q.shape[1]):
        state = state * decay[:, t, :, None, None]
        said = torch.einsum("bhk,bhkv->bhv", k[:, t], state)
        change = (v[:, t] - said) * beta[:, t, :, None]
        state = state + k[:, t, :, :, None] * change[:, :, None, :]
        rows.append(torch.einsum("bhk,bhkv->bhv", q[:, t], state))
    return torch.stack(rows, dim=1), state


class ShortConvolution(nn.Conv1d):
    """A causal convolution of every channel by itself, and SiLU."""

    def __init__(self, hidden_size: int, kernel_size: int, bias: bool = False, **_: Any) -> None:
        super().__init__(hidden_size, hidden_size, kernel_size, groups=hidden_size, bias=bias)

    def forward(self, input: Any, *_: Any, **__: Any) -> Any:
        """Return the input (batch, steps, channels), convolved."""
        y = causal_conv1d_fn(input.transpose(1, 2), self.weight[:, 0], self.bias, activation="silu")
        return y.transpose(1, 2)


class GatedNorm(nn.Module):
    """RMS norm over a head, times SiLU of a gate where there is one."""

    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x: Any, gate: Any = None) -> Any:
        """Return x, normed and gated."""
        y = functional.rms_norm(x.float(), (x.shape[-1],), self.weight.float(), self.eps)
        return (y if gate is None else y * functional.silu(gate.float())).to(x.dtype)


class GatedDeltaNet(nn.Module):
    """The layer of that name of `fla.layers`."""

    def __init__(
        self,
        hidden_size: int = 2048,
        expand_v: float = 2,
        head_dim: int = 256,
        num_heads: int = 6,
        num_v_heads: int | None = None,
        mode: str = "chunk",
        use_gate: bool = True,
        use_short_conv: bool = True,
        allow_neg_eigval: bool = False,
        conv_size: int = 4,
        conv_bias: bool = False,
        layer_idx: int | None = None,
        norm_eps: float = 1e-5,
        **_: Any,
    ) -> None:
        super().__init__()
        used("fla.GatedDeltaNet", "a layer of ours")
        self.hidden_size, self.head_dim, self.mode, self.layer_idx = hidden_size, head_dim, mode, layer_idx
        self.num_heads, self.num_v_heads = num_heads, num_v_heads or num_heads
        self.allow_neg_eigval, self.use_gate = allow_neg_eigval, use_gate
        self.head_v_dim = int(head_dim * expand_v)
        keys, values = num_heads * head_dim, self.num_v_heads * self.head_v_dim
        for name, width in (("q", keys), ("k", keys), ("v", values)):
            self.add_module(f"{name}_proj", nn.Linear(hidden_size, width, bias=False))
            if use_short_conv:
                self.add_module(f"{name}_conv1d", ShortConvolution(width, conv_size, conv_bias))
        self.a_proj = nn.Linear(hidden_size, self.num_v_heads, bias=False)
        self.b_proj = nn.Linear(hidden_size, self.num_v_heads, bias=False)
        self.A_log = nn.Parameter(torch.empty(self.num_v_heads).uniform_(1e-3, 16).log())
        step = torch.empty(self.num_v_heads).uniform_(math.log(1e-3), math.log(0.1)).exp()
        self.dt_bias = nn.Parameter(step + torch.log(-torch.expm1(-step)))
        if use_gate:
            self.g_proj = nn.Linear(hidden_size, values, bias=False)
        self.o_norm = GatedNorm(self.head_v_dim, norm_eps)
        self.o_proj = nn.Linear(values, hidden_size, bias=False)

    def forward(self, hidden_states: Any, attention_mask: Any = None, *_: Any, **more: Any) -> Any:
        """Return the layer's output (batch, steps, hidden), no attention, and the cache as it came."""
        if attention_mask is not None or more.get("past_key_values") is not None:
            raise gap("module", "fla: masks and caches of GatedDeltaNet")
        x = hidden_states
        q, k, v = (self._projected(name, x) for name in "qkv")
        repeats = self.num_v_heads // self.num_heads
        q, k = (item.repeat_interleave(repeats, dim=2) for item in (q, k))
        beta = self.b_proj(x).float().sigmoid() * (2.0 if self.allow_neg_eigval else 1.0)
        g = -self.A_log.float().exp() * functional.softplus(self.a_proj(x).float() + self.dt_bias)
        cuts = more.get("cu_seqlens")
        y, _state = gated_delta_rule(q, k, v, g, beta, use_qk_l2norm_in_kernel=True, cu_seqlens=cuts)
        gate = self.g_proj(x).unflatten(-1, (-1, self.head_v_dim)) if self.use_gate else None
        return self.o_proj(self.o_norm(y, gate).flatten(-2)), None, more.get("past_key_values")

    def _projected(self, name: str, x: Any) -> Any:
        """Return q, k or v by heads."""
        y = getattr(self, f"{name}_proj")(x)
        convolution = getattr(self, f"{name}_conv1d", None)
        y = convolution(y) if convolution is not None else functional.silu(y)
        return y.unflatten(-1, (-1, self.head_v_dim if name == "v" else self.head_dim))


def missing_layer(name: str) -> type[nn.Module]:
    """Return a layer that can be imported, and is a gap where one is made."""

    def made(self: Any, *_: Any, **__: Any) -> None:
        raise gap("module", f"fla.layers.{name} needs a GPU")

    return type(name, (nn.Module,), {"__init__": made})
