"""The squared-rectifier MLP (Primer, arXiv:2109.08668) and its leaky form (#493)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from reference_impl.config import ModelConfig
from reference_impl.model.linear import CastedLinear


class MLP(nn.Module):
    """Two matrices around relu(x)^2, or leaky_relu(x)^2: then negative inputs still carry gradient."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        hidden = config.mlp_mult * config.model_dim
        self.fc = CastedLinear(config.model_dim, hidden)
        self.proj = CastedLinear(hidden, config.model_dim, zero_init=True)
        self.slope = config.leaky_slope if config.activation == "leaky_relu2" else 0.0

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, D] -> [B, T, D]."""
        x = self.fc(x)
        x = F.leaky_relu(x, self.slope) if self.slope else torch.relu(x)
        return self.proj(x.square())
