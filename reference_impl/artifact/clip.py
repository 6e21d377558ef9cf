"""How far a row's grid reaches: to its largest value, to k sigmas, or to where the error is least.

With k sigmas the step is k * sigma / q, whatever the largest value: a large k makes a coarse grid whose
integers are mostly small and compress well, so k trades bytes against error without a change of bits (#1394).

A few outliers stretch the grid for the whole row. The search is what #414 calls GPTQ-lite: several clips are
tried and each row keeps the one with the smallest squared error. Weights alone decide; no data is read.
"""

from __future__ import annotations

import torch
from torch import Tensor

from reference_impl.config import QuantConfig

# Fractions of the row's largest magnitude that the search tries.
CLIP_CANDIDATES = (1.0, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.6)


def choose_clip(weight: Tensor, bits: int, config: QuantConfig) -> Tensor:
    """Return the clip of each row of [rows, columns], positive or zero."""
    if config.clip_sigmas > 0:
        return weight.std(dim=1, correction=0) * config.clip_sigmas
    return search_clip(weight, bits) if config.clip_search else weight.abs().amax(dim=1)


def search_clip(weight: Tensor, bits: int) -> Tensor:
    """Return for each row the candidate clip whose rounding error is least."""
    largest = weight.abs().amax(dim=1)
    clips = torch.stack([largest * fraction for fraction in CLIP_CANDIDATES])
    errors = torch.stack([rounding_error(weight, clip, bits) for clip in clips])
    return clips.gather(0, errors.argmin(dim=0, keepdim=True)).squeeze(0)


def rounding_error(weight: Tensor, clip: Tensor, bits: int) -> Tensor:
    """Return each row's squared error after rounding at the clip."""
    top = 2 ** (bits - 1) - 1
    scale = (clip / top).clamp_min(2.0**-24).half().float()[:, None]
    return (weight - (weight / scale).round().clamp(-top, top) * scale).square().sum(dim=1)
