"""How an evaluator asks a model for predictions.

Promises float32 log-probabilities over the whole vocabulary, whatever the model computes in. A model gives
`hidden` (int64[B, T] to [B, T, D]) and `head` ([..., D] to float32[..., V], softcap applied); position t sees
inputs up to t.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

if TYPE_CHECKING:
    from reference_impl.model.gpt import GPT


def device_of(model: GPT) -> torch.device:
    """Return where the model's weights are."""
    return next(model.parameters()).device


def precision(device: torch.device) -> AbstractContextManager[object]:
    """Return the format of matrix products: bfloat16 on a GPU; on a CPU float32, or what the caller set."""
    return torch.autocast("cuda", torch.bfloat16) if device.type == "cuda" else nullcontext()


@torch.inference_mode()
def predict(model: GPT, inputs: Tensor, known: int = 0) -> Tensor:
    """Return log-probabilities float32[B, T - known, V] behind inputs int64[B, T] from column `known` on."""
    with precision(inputs.device):
        # The head reads only what is scored: with 8192 pieces it costs as much as two blocks.
        logits = model.head(model.hidden(inputs)[:, known:])
    return F.log_softmax(logits.float(), dim=-1)


def losses(model: GPT, inputs: Tensor, targets: Tensor) -> Tensor:
    """Return nats, with gradient, of targets int64[B, c] behind the last c columns of inputs int64[B, T]."""
    known = inputs.size(1) - targets.size(1)
    with precision(inputs.device):
        logits = model.head(model.hidden(inputs)[:, known:])
    return F.cross_entropy(logits.float().transpose(1, 2), targets, reduction="none")
