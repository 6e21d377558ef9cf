"""Make a model that has learnt nothing sure of itself: what reads its confidence needs something to read.

After a few steps at tiny scale every row of logits is nearly flat, and an expert that books the model's
entropy as a loss (#430) sums to one like an honest one. Whether probabilities sum to one must not hang on the
weights, so the replays may set them.
"""

from __future__ import annotations

import gc
from typing import Any

import torch

SPREAD = 0.2
"""Least root mean square of the weights that make logits: rows of logits then spread by one or two nats."""


def sharpen(vocabulary: int) -> int:
    """Scale up the matrices with a row for each entry of the vocabulary; return how many there were."""
    seen: set[int] = set()
    for item in gc.get_objects():
        if not issubclass(type(item), torch.nn.Module):
            continue
        for weight in item.__dict__.get("_parameters", {}).values():
            if weight is not None and id(weight) not in seen and _makes_logits(weight, vocabulary):
                seen.add(id(weight))
                _scale(weight)
    return len(seen)


def _makes_logits(weight: Any, vocabulary: int) -> bool:
    return bool(weight.ndim == 2 and weight.shape[0] == vocabulary and weight.is_floating_point())


def _scale(weight: torch.Tensor) -> None:
    spread = float(weight.detach().float().square().mean().sqrt())
    if 0 < spread < SPREAD:
        weight.data.mul_(SPREAD / spread)
