"""Causal grouped-query attention with rotary positions, query gain and the exclusive variant.

One product makes queries, keys and values: on a CPU and on a GPU a wide matrix beats three narrow ones, and
queries and keys share normalisation and rotation.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from reference_impl.config import ModelConfig
from reference_impl.model.backends import attend
from reference_impl.model.linear import CastedLinear, rms_norm


class Rotary(nn.Module):
    """Rotary position embedding (arXiv:2104.09864) over the first `rope_dims` dimensions of a head."""

    cos: Tensor
    sin: Tensor

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.dims = config.rope_dims or config.model_dim // config.num_heads
        inverse = config.rope_base ** -(torch.arange(0, self.dims, 2, dtype=torch.float32) / self.dims)
        # [T, dims / 2]. Built whole: a table that grows under inference mode could never be trained through.
        angles = torch.outer(torch.arange(config.max_seq_len, dtype=torch.float32), inverse)
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Rotate [B, T, H, d] by position; dimensions behind `rope_dims` stay."""
        batch, length, heads, _ = x.shape
        half, dims = self.dims // 2, self.dims
        x1, x2 = x[..., :half], x[..., half:dims]
        cos = self._widen(self.cos, self.cos, length, heads, x.dtype)
        sin = self._widen(self.sin, -self.sin, length, heads, x.dtype)
        flat = x[..., :dims].reshape(batch, length, -1)
        swapped = torch.cat((x2, x1), dim=-1).view(batch, length, -1)
        turned = torch.addcmul(flat * cos, swapped, sin).view(batch, length, heads, dims)
        return turned if dims == x.size(-1) else torch.cat((turned, x[..., dims:]), dim=-1)

    @staticmethod
    def _widen(first: Tensor, second: Tensor, length: int, heads: int, dtype: torch.dtype) -> Tensor:
        """Return both halves for all heads, [T, H * dims]: a CPU multiplies long rows at twice the speed."""
        row = torch.cat((first[:length], second[:length]), dim=-1).to(dtype)
        return row.repeat(1, heads)


def exclude_own_value(y: Tensor, v: Tensor) -> Tensor:
    """Remove from each head's output its component along the token's own value (XSA, #1019).

    y [B, T, H, d], v [B, T, KV, d]: what is left is what the context adds.
    """
    batch, length, heads, dim = y.shape
    own = v / v.float().norm(dim=-1, keepdim=True).clamp_min(1e-6).to(v.dtype)
    grouped = y.reshape(batch, length, v.size(2), heads // v.size(2), dim)
    own = own.unsqueeze(3)
    return (grouped - (grouped * own).sum(dim=-1, keepdim=True) * own).reshape(y.shape)


class CausalSelfAttention(nn.Module):
    """Attention of one block."""

    def __init__(self, config: ModelConfig, layer: int, rotary: Rotary) -> None:
        super().__init__()
        self.heads, self.kv_heads = config.num_heads, config.num_kv_heads
        self.head_dim = config.model_dim // config.num_heads
        q_rows, kv_rows = config.model_dim, config.num_kv_heads * self.head_dim
        self.qkv = CastedLinear(config.model_dim, q_rows + 2 * kv_rows)
        self.qkv.row_splits = (q_rows, kv_rows, kv_rows)
        self.proj = CastedLinear(config.model_dim, config.model_dim, zero_init=True)
        self.q_gain = nn.Parameter(torch.full((config.num_heads,), config.qk_gain_init))
        self.exclusive = layer >= config.num_layers - config.xsa_last
        # Shared by all blocks; no parameters, so that it is in nobody's state.
        self.rotary = rotary

    def forward(self, x: Tensor, value_extra: Tensor | None, mask: Tensor | None) -> Tensor:
        """[B, T, D] -> [B, T, D]; `value_extra` [B, T, KV * d] is added to the values."""
        batch, length, dim = x.shape
        heads, kv_heads = self.heads, self.kv_heads
        qkv = self.qkv(x).view(batch, length, heads + 2 * kv_heads, self.head_dim)
        qk = self.rotary(rms_norm(qkv[:, :, : heads + kv_heads]))
        q = qk[:, :, :heads] * self.q_gain.to(qk.dtype)[:, None]
        k, v = qk[:, :, heads:], qkv[:, :, heads + kv_heads :]
        # Norms may come out of autocast in fp32; flash kernels take one half-precision type.
        q, k = q.to(v.dtype), k.to(v.dtype)
        if value_extra is not None:
            v = v + value_extra.view(v.shape).to(v.dtype)
        y = attend(q, k, v, mask)
        if self.exclusive:
            y = exclude_own_value(y, v)
        return self.proj(y.reshape(batch, length, dim))
