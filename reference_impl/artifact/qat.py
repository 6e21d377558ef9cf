"""Late quantisation-aware training: the last steps see the rounded weights they will be stored as.

Only linear maps round; the embedding is read as rows and stays exact until it is stored.
"""

from __future__ import annotations

from torch import nn

from reference_impl.artifact.quantise import bits_of
from reference_impl.config import QuantConfig
from reference_impl.model.linear import CastedLinear


def set_rounding(model: nn.Module, config: QuantConfig, on: bool) -> int:
    """Turn rounding in every linear map on or off and return how many there are."""
    layers = [(n, m) for n, m in model.named_modules() if isinstance(m, CastedLinear)]
    for name, layer in layers:
        layer.qat_bits = bits_of(f"{name}.weight", config) if on else 0
    return len(layers)
