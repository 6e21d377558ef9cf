"""The one linear layer: fp32 master weights, cast for the product, rounded in training when asked.

Rounding uses the quantiser's own grid, so that late QAT trains the weights which the artifact will hold.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def fake_quantise(weight: Tensor, bits: int) -> Tensor:
    """Return the weight [rows, columns] on its per-row grid; the gradient passes as if nothing happened.

    Straight-through estimator (arXiv:1308.3432). The scale is rounded to fp16 as the artifact stores it.
    """
    largest = 2 ** (bits - 1) - 1
    scale = (weight.detach().abs().amax(dim=1, keepdim=True) / largest).clamp_min(1e-8)
    scale = scale.half().clamp_min(6e-8).to(weight.dtype)
    rounded = (weight / scale).round().clamp(-largest, largest) * scale
    return weight + (rounded - weight).detach()


class CastedLinear(nn.Linear):
    """A linear map without bias whose weight stays fp32 for the optimiser."""

    def __init__(self, in_features: int, out_features: int, zero_init: bool = False) -> None:
        super().__init__(in_features, out_features, bias=False)
        self.qat_bits = 0  # 0: exact weights
        self.zero_init = zero_init
        # Rows that are matrices of their own for the optimiser: queries, keys and values of one product.
        self.row_splits: tuple[int, ...] = (out_features,)
        if zero_init:
            # Residual writers start silent, so that the first steps see an identity network.
            nn.init.zeros_(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        """[..., in] -> [..., out]."""
        weight = fake_quantise(self.weight, self.qat_bits) if self.qat_bits else self.weight
        return F.linear(x, weight.to(x.dtype))


def compute_dtype(x: Tensor) -> torch.dtype:
    """Return the type of matrix products on the device of x: autocast's where it is on, else that of x."""
    kind = x.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else x.dtype


def rms_norm(x: Tensor) -> Tensor:
    """Return x / rms(x) over the last dimension, without weights (arXiv:1910.07467)."""
    if x.dtype == torch.bfloat16 and x.device.type == "cpu" and not torch.is_grad_enabled():
        return _rms_norm_bf16(x)
    return F.rms_norm(x, (x.size(-1),))


def _rms_norm_bf16(x: Tensor) -> Tensor:
    """Return the same with the factor rounded to bf16: no copy of x in fp32, for evaluation."""
    norm = torch.linalg.vector_norm(x, dim=-1, keepdim=True, dtype=torch.float32)
    mean_square = norm.square() / x.size(-1)
    return x * (mean_square + torch.finfo(torch.float32).eps).rsqrt().to(x.dtype)


def make_orthogonal(module: nn.Module) -> None:
    """Start every hidden matrix that is not silent with orthogonal rows or columns."""
    for layer in module.modules():
        if isinstance(layer, CastedLinear) and not layer.zero_init:
            for rows in torch.split(layer.weight, list(layer.row_splits)):
                with torch.no_grad():
                    rows.copy_(nn.init.orthogonal_(torch.empty_like(rows)))
