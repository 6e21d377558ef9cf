"""Per-row symmetric quantisation: w[r, c] ~ q[r, c] * s[r] with integers of 5 to 8 bits and fp16 scales.

Matrices named `*.weight` are quantised, by class; every other tensor is small and stays fp16. What this
module returns is what the artifact holds: `dequantise` gives the weights that evaluation sees, bit for bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from reference_impl.artifact.clip import choose_clip
from reference_impl.artifact.gptq import round_with_feedback
from reference_impl.config import QuantConfig

# The smallest positive fp16: a row of zeros still divides.
TINY_SCALE = 2.0**-24


@dataclass(frozen=True, slots=True)
class QuantisedTensor:
    """A matrix as integers and scales."""

    values: Tensor
    """int8 [rows, columns], at most `bits` wide."""
    scales: Tensor
    """fp16 [rows]."""
    bits: int
    """Width of the grid, 5 to 8."""

    def dequantise(self) -> Tensor:
        """Return fp32 [rows, columns]."""
        return self.values.float() * self.scales.float()[:, None]


@dataclass(frozen=True, slots=True)
class PlainTensor:
    """A small tensor kept in half precision."""

    values: Tensor
    """fp16, any shape."""

    def dequantise(self) -> Tensor:
        """Return fp32 of the same shape."""
        return self.values.float()


StoredTensor = QuantisedTensor | PlainTensor


def bits_of(name: str, config: QuantConfig) -> int:
    """Return the bits of a parameter's class; 0 keeps it fp16."""
    if not name.endswith(".weight"):
        return 0
    if ".attn." in name:
        return config.attn_bits
    if ".mlp." in name:
        return config.mlp_bits
    return config.embed_bits if name == "tok_emb.weight" or ".table." in name else config.other_bits


def row_scales(weight: Tensor, bits: int, config: QuantConfig) -> Tensor:
    """Return the fp16 scale of each row of [rows, columns]."""
    clip = choose_clip(weight, bits, config)
    return (clip / (2 ** (bits - 1) - 1)).clamp_min(TINY_SCALE).half()


def quantise_matrix(
    weight: Tensor, bits: int, config: QuantConfig, hessian: Tensor | None = None
) -> QuantisedTensor:
    """Quantise [rows, columns]; with a Hessian [columns, columns] errors are fed forward (GPTQ)."""
    weight = weight.detach().float().cpu()
    scales = row_scales(weight, bits, config)
    largest = 2 ** (bits - 1) - 1
    if hessian is None:
        values = (weight / scales.float()[:, None]).round().clamp(-largest, largest)
    else:
        values = round_with_feedback(weight, scales.float(), largest, hessian.cpu())
    return QuantisedTensor(values.to(torch.int8), scales, bits)


def quantise_state(
    state: Mapping[str, Tensor], config: QuantConfig, hessians: Mapping[str, Tensor] | None = None
) -> dict[str, StoredTensor]:
    """Quantise a whole state; a matrix without a Hessian is rounded to nearest."""
    stored: dict[str, StoredTensor] = {}
    for name, tensor in state.items():
        bits = bits_of(name, config)
        if bits:
            stored[name] = quantise_matrix(tensor, bits, config, (hessians or {}).get(name))
        else:
            stored[name] = PlainTensor(tensor.detach().cpu().half())
    return stored


def dequantise_state(stored: Mapping[str, StoredTensor]) -> dict[str, Tensor]:
    """Return the fp32 state that the artifact stands for."""
    return {name: tensor.dequantise() for name, tensor in stored.items()}
