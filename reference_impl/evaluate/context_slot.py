"""Context-only SLOT: a small vector is fitted to the scored part of a window before the rest of it is scored.

For each window a delta, one vector of the model's width, is added to what the head reads. It is fitted by
AdamW to the positions that earlier windows have scored, and helps to score those after them (#1306, #1350;
the question whether that is within the rules, #1336, was never answered: a policy decides). Deltas of
different windows are independent, so windows may share a batch. SLOT as published fits the positions that it
scores, and breaks condition 1 (#1240).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from reference_impl.evaluate.conditions import ONE_BOOKING, Conditions
from reference_impl.evaluate.model import device_of, precision
from reference_impl.evaluate.score import Ledger
from reference_impl.evaluate.windows import batches, cut, windows

if TYPE_CHECKING:
    from reference_impl.model.gpt import GPT

CONDITIONS = Conditions(
    causal="a window's delta is fitted to its positions before the first that it scores, and to no other",
    normalised="softmax of the head's logits over all pieces, the delta added to its input",
    score_first="a delta learns from what earlier windows scored, and is dropped with its window",
    single_pass=ONE_BOOKING,
)


@dataclass(frozen=True, slots=True)
class ContextSlot:
    """Settings of context-only SLOT."""

    window: int = 1024
    """Inputs a window holds."""
    stride: int = 64
    """Tokens from one window to the next: what a window scores. The rest is what its delta is fitted to."""
    batch_tokens: int = 32768
    """Inputs that go through the model at a time."""
    steps: int = 8
    """Steps of AdamW for a delta."""
    learning_rate: float = 0.005


def score_context_slot(model: GPT, tokens: Tensor, ledger: Ledger, settings: ContextSlot) -> None:
    """Book every token of `tokens`, int64[N], with a delta fitted to the context of its window."""
    device = device_of(model)
    rows = max(settings.batch_tokens // settings.window, 1)
    plan = windows(tokens.numel() - 1, settings.window, settings.stride)
    for batch in batches(plan, rows):
        inputs, targets, positions = cut(tokens, batch, device)
        known = batch[0].scored_from - batch[0].start
        with torch.no_grad(), precision(device):
            hidden = model.hidden(inputs).float()
        delta = fit_delta(model, hidden[:, :known], targets[:, :known], settings)
        with torch.no_grad(), precision(device):
            logits = model.head(hidden[:, known:] + delta)
        ledger.book(
            F.log_softmax(logits.float(), dim=-1).flatten(0, 1),
            inputs[:, known:].flatten(),
            targets[:, known:].flatten(),
            positions[:, known:].flatten(),
        )


def fit_delta(model: GPT, hidden: Tensor, targets: Tensor, settings: ContextSlot) -> Tensor:
    """Return a delta a window, [B, 1, D], that fits it: hidden [B, C, D], targets int64[B, C]."""
    delta = torch.zeros(hidden.size(0), 1, hidden.size(2), device=hidden.device, requires_grad=True)
    if not targets.size(1):
        return delta.detach()
    optimizer = torch.optim.AdamW([delta], lr=settings.learning_rate, weight_decay=0.0)
    for _ in range(settings.steps):
        optimizer.zero_grad(set_to_none=True)
        with precision(hidden.device):
            logits = model.head(hidden + delta)
        # A sum over windows of a mean over positions: no window's gradient depends on another's.
        losses = F.cross_entropy(logits.float().transpose(1, 2), targets, reduction="none")
        losses.mean(dim=1).sum().backward(inputs=[delta])
        optimizer.step()
    return delta.detach()
