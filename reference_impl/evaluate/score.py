"""The ledger of an evaluation: each token enters once, and the total is exact whatever the order.

Promises float64 sums of float32 negative log-likelihoods, an error for a token that is booked twice or never,
and a value per token on request. It sees predictions only as full distributions, so a method cannot score a
token by anything but one; that they sum to one is checked on a sample of every booking.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from reference_impl.evaluate.byte_table import ByteTable

NORMALISATION_TOLERANCE = 1e-4
"""How far the probabilities of one prediction may be from one: float32 sums over 8192 pieces stay within
1e-5."""


class LedgerError(ValueError):
    """A token was scored twice, never, or by something that is no distribution."""


@dataclass(frozen=True, slots=True)
class Score:
    """What an evaluation found."""

    val_loss: float
    """Mean negative log-likelihood, nats a token."""
    val_bpb: float
    """Bits a byte of text."""
    tokens: int
    """Tokens that were scored: all but the first."""
    bytes: int
    """Bytes of text that the scored tokens stand for."""
    nll: Tensor | None = None
    """float64[N-1], nats: entry i is the token at i + 1. None unless asked for."""


class Ledger:
    """Books predictions of one stream of N tokens."""

    def __init__(self, tokens: int, byte_table: ByteTable, *, keep_nll: bool = False) -> None:
        self.byte_table = byte_table
        self.nats = 0.0
        self.tokens = 0
        self.bytes = 0
        self.booked = torch.zeros(tokens - 1, dtype=torch.bool)
        self.nll = torch.full((tokens - 1,), math.nan, dtype=torch.float64) if keep_nll else None

    def book(self, log_probs: Tensor, previous: Tensor, targets: Tensor, positions: Tensor) -> None:
        """Add predictions to the total.

        log_probs: float32[n, V], normalised. previous, targets: int64[n], tokens p - 1 and p. positions:
        int64[n], p - 1.
        """
        mass = log_probs[:: max(log_probs.size(0) // 8, 1)].cpu().double().exp().sum(dim=-1)
        if mass.numel() and float((mass - 1.0).abs().max()) > NORMALISATION_TOLERANCE:
            raise LedgerError(
                f"probabilities sum to {float(mass[(mass - 1.0).abs().argmax()]):.6f}, not to 1"
            )
        nll = -log_probs.gather(-1, targets[:, None])[:, 0].cpu().double()
        self.nats += float(nll.sum())
        self.tokens += targets.numel()
        self.bytes += self.byte_table.count(previous.cpu(), targets.cpu())
        self._mark(positions.cpu(), nll)

    def _mark(self, positions: Tensor, nll: Tensor) -> None:
        if bool(self.booked[positions].any()) or positions.unique().numel() != positions.numel():
            raise LedgerError("a token was scored twice")
        self.booked[positions] = True
        if self.nll is not None:
            self.nll[positions] = nll

    def close(self) -> Score:
        """Return the score; every token but the first must have been booked."""
        missing = int((~self.booked).sum())
        if missing:
            raise LedgerError(f"{missing} tokens were never scored")
        val_loss = self.nats / self.tokens
        val_bpb = val_loss / math.log(2.0) * (self.tokens / self.bytes)
        return Score(val_loss, val_bpb, self.tokens, self.bytes, self.nll)
