"""One block: mix in the embedding, attend, think; in one residual stream or in two lanes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from reference_impl.config import ModelConfig
from reference_impl.model.attention import CausalSelfAttention, Rotary
from reference_impl.model.linear import rms_norm
from reference_impl.model.mlp import MLP


class Block(nn.Module):
    """Pre-norm attention and MLP with learned scales a dimension.

    In lanes (#1629, after GPT-J) attention reads one stream and the MLP another; both outputs are written to
    both lanes with learned weights. At the start the lanes are equal: a plain parallel block.
    """

    def __init__(self, config: ModelConfig, layer: int, rotary: Rotary) -> None:
        super().__init__()
        dim = config.model_dim
        self.attn = CausalSelfAttention(config, layer, rotary)
        self.mlp = MLP(config)
        self.attn_scale = nn.Parameter(torch.ones(dim))
        self.mlp_scale = nn.Parameter(torch.ones(dim))
        # Rows: weight of the stream, weight of the embedding x0.
        self.resid_mix = nn.Parameter(torch.stack((torch.ones(dim), torch.zeros(dim))))
        self.norm_scale = (layer + 1) ** -0.5 if config.norm_depth_scale else 1.0
        laned = 0 <= config.lanes_from <= layer
        # [lane written, sublayer]: sublayer 0 is attention, 1 the MLP.
        self.lane_writes = nn.Parameter(torch.ones(2, 2)) if laned else None

    def mix(self, x: Tensor, x0: Tensor) -> Tensor:
        """Return the stream with some of the embedding in it, [B, T, D]."""
        keep, add = self.resid_mix.to(x.dtype)
        return torch.addcmul(x * keep, x0, add)

    def norm(self, x: Tensor) -> Tensor:
        """Return the normalised input of a sublayer, damped with depth when asked."""
        return rms_norm(x) if self.norm_scale == 1.0 else rms_norm(x) * self.norm_scale

    def forward(self, x: Tensor, x0: Tensor, value_extra: Tensor | None, mask: Tensor | None) -> Tensor:
        """[B, T, D] -> [B, T, D]."""
        x = self.mix(x, x0)
        # addcmul: one pass over memory instead of two.
        x = torch.addcmul(
            x, self.attn_scale.to(x.dtype), self.attn(self.norm(x), value_extra, mask).to(x.dtype)
        )
        return torch.addcmul(x, self.mlp_scale.to(x.dtype), self.mlp(self.norm(x)).to(x.dtype))

    def forward_lanes(
        self, lanes: tuple[Tensor, Tensor], x0: Tensor, value_extra: Tensor | None, mask: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Two [B, T, D] -> two [B, T, D]."""
        if self.lane_writes is None:
            raise ValueError("this block has one stream")
        first, second = self.mix(lanes[0], x0), self.mix(lanes[1], x0)
        heard = self.attn_scale.to(first.dtype) * self.attn(self.norm(first), value_extra, mask)
        thought = self.mlp_scale.to(first.dtype) * self.mlp(self.norm(second))
        w = self.lane_writes.to(first.dtype)
        return first + w[0, 0] * heard + w[0, 1] * thought, second + w[1, 0] * heard + w[1, 1] * thought
