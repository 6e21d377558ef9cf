"""Passes through a shared core: cross-repeat skip, residual scale and error feedback.

With the core over all blocks this is the progressive depth of #895; with a core in the middle it is the stem,
core and tail of #1231:  h[k+1] = h[k] + a[k] * F(h[k] + c[k]),  c[k] = d * U V^T h[k],  c[0] = 0.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from reference_impl.config import ModelConfig


class Recurrence(nn.Module):
    """What is learned for each pass beyond the shared blocks."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        dim, rank, core = config.model_dim, config.feedback_rank, config.core_end - config.core_start
        self.pass_scale = (
            nn.Parameter(torch.full((config.passes,), config.residual_scale_init))
            if config.residual_scale_init
            else None
        )
        # Small random factors: with both at zero neither would ever get a gradient.
        self.feedback_read = nn.Parameter(torch.randn(dim, rank) * dim**-0.5) if rank else None
        self.feedback_write = nn.Parameter(torch.randn(dim, rank) * dim**-0.5) if rank else None
        self.feedback_diag = nn.Parameter(torch.full((dim,), 0.1)) if rank else None
        self.repeat_gate = (
            nn.Parameter(torch.full((config.passes - 1, core, dim), 0.1)) if config.repeat_skip else None
        )

    def enter(self, k: int, h: Tensor) -> Tensor:
        """Return the input of pass k: the state [B, T, D], corrected from the second pass on."""
        read, write, diag = self.feedback_read, self.feedback_write, self.feedback_diag
        if k == 0 or read is None or write is None or diag is None:
            return h
        return h + diag.to(h.dtype) * ((h @ read.to(h.dtype)) @ write.to(h.dtype).T)

    def leave(self, k: int, h: Tensor, entered: Tensor, out: Tensor) -> Tensor:
        """Return the state after pass k, given the state before it, what entered and what came out."""
        return out if self.pass_scale is None else h + self.pass_scale[k].to(h.dtype) * (out - entered)

    def recall(self, k: int, index: int, x: Tensor, earlier: Tensor | None) -> Tensor:
        """Add what core block `index` returned one pass earlier."""
        if self.repeat_gate is None or earlier is None:
            return x
        return torch.addcmul(x, self.repeat_gate[k - 1, index].to(x.dtype), earlier)


def growth_penalty(before: Tensor, after: Tensor) -> Tensor:
    """Return relu(|h' - h| / |h| - 1)^2: a cheap stand-in for the Jacobian's norm above 1 (#1231)."""
    before, after = before.float(), after.float()
    ratio = (after - before).norm() / (before.norm() + 1e-6)
    return torch.relu(ratio - 1.0).square()
