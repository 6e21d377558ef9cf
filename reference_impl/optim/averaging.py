"""Averages of weights over the run: exponential (EMA), uniform over late snapshots (SWA), or both.

With both, the snapshots are of the EMA (#1231). An average lives in fp32 and is copied back into the
model once, after the last step.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from reference_impl.config import OptimConfig


class WeightAverage:
    """The running averages of one model."""

    def __init__(self, model: nn.Module, config: OptimConfig) -> None:
        self.config = config
        self.live = [p.detach() for p in model.parameters()]
        self.ema = [p.float().clone() for p in self.live] if config.ema_decay > 0 else None
        self.total: list[Tensor] | None = None
        self.snapshots = 0

    @torch.no_grad()
    def update(self, step: int, rate_multiplier: float) -> None:
        """Take in the weights after a step."""
        if self.ema is not None:
            # Else the random start would weigh too much in a short run: the decay grows with the steps.
            decay = min(self.config.ema_decay, (1 + step) / (10 + step))
            torch._foreach_lerp_(self.ema, self.live, 1.0 - decay)
        due = self.config.swa_every > 0 and step % self.config.swa_every == 0
        if due and rate_multiplier <= self.config.swa_below:
            self._snapshot()

    def _snapshot(self) -> None:
        source = self.live if self.ema is None else self.ema
        if self.total is None:
            self.total = [torch.zeros_like(p, dtype=torch.float32) for p in source]
        torch._foreach_add_(self.total, source)
        self.snapshots += 1

    @torch.no_grad()
    def apply(self) -> str:
        """Copy the average into the model and return what it was: `swa`, `ema` or `none`."""
        if self.total is not None:
            torch._foreach_copy_(self.live, torch._foreach_div(self.total, self.snapshots))
            return "swa"
        if self.ema is not None:
            torch._foreach_copy_(self.live, self.ema)
            return "ema"
        return "none"
