"""A hedge over four experts: the model, and counts of one, two and three tokens of the text already scored.

The legal form of the idea in #895. Every expert is a distribution over the whole vocabulary, made from tokens
before the block; so is their mixture (condition 2), which hashed caches that look up the realised token are
not (#677, #982).

    unigram  u(w) = (c(w) + a / V) / (n + a)
    bigram   b(w | v) = (c(v, w) + s u(w)) / (c(v) + s)             Dirichlet smoothing, MacKay and Peto 1995
    trigram  t(w | u, v) = (c(uv, w) + s b(w | v)) / (c(uv) + s)    contexts share rows by hash, never columns
    mixture  p(w) = sum_k h_k p_k(w),  h_k ~ exp(-eta * losses of k so far)    Freund and Schapire 1997

The weights h are kept apart by how often the trigram's context was seen, with a share for each expert
(Herbster and Warmuth 1998), so that counts are trusted where there are any. Counts and weights change after a
block was booked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from reference_impl.evaluate.conditions import ONE_BOOKING, Conditions
from reference_impl.evaluate.model import device_of, predict
from reference_impl.evaluate.score import Ledger
from reference_impl.evaluate.windows import batches, cut, windows

if TYPE_CHECKING:
    from reference_impl.model.gpt import GPT

CONDITIONS = Conditions(
    causal="counts and weights are of blocks before the one that is scored; contexts are its strict prefix",
    normalised="a convex mixture of four distributions over all pieces, computed for all of them",
    score_first="counts and weights take in a block after it was booked",
    single_pass=ONE_BOOKING,
)
EXPERTS = 4
EVIDENCE_CLASSES = 8
"""How often a context was seen: never, once, 2 to 3, 4 to 7, ... 64 times and more."""


@dataclass(frozen=True, slots=True)
class HedgeMixer:
    """Settings of the mixture."""

    window: int = 1024
    """Inputs a window holds."""
    stride: int = 1024
    """Tokens from one window to the next."""
    batch_tokens: int = 32768
    """Inputs that go through the model at a time."""
    block_tokens: int = 64
    """Tokens that are scored before counts and weights take them in."""
    rows: int = 16384
    """Rows of the trigram's table; contexts with one hash share a row, which stays a distribution."""
    unigram_prior: float = 64.0
    """a: tokens' worth of a uniform distribution."""
    strength: float = 4.0
    """s: tokens' worth of the next shorter expert."""
    rate: float = 0.3
    """eta: how fast weights follow losses."""
    share: float = 0.002
    """Part of the weight that is shared out evenly after each block."""


class Experts:
    """The counts and the weights."""

    def __init__(self, vocab_size: int, device: torch.device, settings: HedgeMixer) -> None:
        self.settings = settings
        self.unigram = torch.zeros(vocab_size, device=device)
        self.bigram = torch.zeros(vocab_size, vocab_size, device=device)
        self.trigram = torch.zeros(settings.rows, vocab_size, device=device)
        start = torch.tensor([0.97, 0.01, 0.01, 0.01], device=device).log()
        self.log_weights = start.expand(EVIDENCE_CLASSES, EXPERTS).clone()

    def rows_of(self, before: Tensor, last: Tensor) -> Tensor:
        """Return the row of each context of two tokens, int64[c]: a hash of the prefix alone."""
        return (before * 36313 + last * 27191) % self.settings.rows

    def log_probs(self, neural: Tensor, before: Tensor, last: Tensor) -> Tensor:
        """Return a distribution an expert, float32[c, 4, V], behind int64[c] contexts; neural: [c, V]."""
        vocab_size, prior, strength = neural.size(1), self.settings.unigram_prior, self.settings.strength
        unigram = (self.unigram + prior / vocab_size) / (self.unigram.sum() + prior)  # [V]
        pairs = self.bigram[last]  # [c, V]
        bigram = (pairs + strength * unigram) / (pairs.sum(dim=1, keepdim=True) + strength)
        triples = self.trigram[self.rows_of(before, last)]  # [c, V]
        trigram = (triples + strength * bigram) / (triples.sum(dim=1, keepdim=True) + strength)
        return torch.stack((neural, unigram.log().expand_as(neural), bigram.log(), trigram.log()), dim=1)

    def evidence(self, before: Tensor, last: Tensor) -> Tensor:
        """Return the class of each context, int64[c]: a function of the prefix."""
        seen = self.trigram[self.rows_of(before, last)].sum(dim=1)
        return (seen + 1.0).log2().floor().long().clamp_max(EVIDENCE_CLASSES - 1)

    def take_in(self, before: Tensor, last: Tensor, targets: Tensor, losses: Tensor, kind: Tensor) -> None:
        """Learn from a booked block: targets int64[c], losses float32[c, 4] of the experts, kind int64[c]."""
        ones = torch.ones_like(targets, dtype=self.unigram.dtype)
        self.unigram.index_put_((targets,), ones, accumulate=True)
        self.bigram.index_put_((last, targets), ones, accumulate=True)
        self.trigram.index_put_((self.rows_of(before, last), targets), ones, accumulate=True)
        self.log_weights.index_add_(0, kind, -self.settings.rate * losses)
        weights = self.log_weights.softmax(dim=1)
        share = self.settings.share
        self.log_weights = ((1.0 - share) * weights + share / EXPERTS).log()


def score_hedge_mixer(model: GPT, tokens: Tensor, ledger: Ledger, settings: HedgeMixer) -> None:
    """Book every token of `tokens`, int64[N], by the mixture as the blocks before it have left it."""
    device = device_of(model)
    experts: Experts | None = None
    stream = tokens.to(device)
    plan = windows(tokens.numel() - 1, settings.window, settings.stride)
    for batch in batches(plan, max(settings.batch_tokens // settings.window, 1)):
        inputs, targets, positions = cut(tokens, batch, device)
        known = batch[0].scored_from - batch[0].start
        neural = predict(model, inputs, known).flatten(0, 1)
        experts = experts or Experts(neural.size(1), device, settings)
        last, after = inputs[:, known:].flatten(), targets[:, known:].flatten()
        where = positions[:, known:].flatten()
        before = stream[(where - 1).clamp_min(0)]
        for begin in range(0, after.numel(), settings.block_tokens):
            block = slice(begin, begin + settings.block_tokens)
            book_block(experts, ledger, neural[block], before[block], last[block], after[block], where[block])


def book_block(
    experts: Experts,
    ledger: Ledger,
    neural: Tensor,
    before: Tensor,
    last: Tensor,
    targets: Tensor,
    positions: Tensor,
) -> None:
    """Book a block, then let the experts take it in."""
    log_probs = experts.log_probs(neural, before, last)  # [c, 4, V]
    kind = experts.evidence(before, last)
    log_weights = experts.log_weights.log_softmax(dim=1)[kind]  # [c, 4]
    mixture = torch.logsumexp(log_probs + log_weights[:, :, None], dim=1)  # [c, V]
    ledger.book(mixture, last, targets, positions)
    losses = -log_probs.gather(2, targets[:, None, None].expand(-1, EXPERTS, 1))[:, :, 0]
    experts.take_in(before, last, targets, losses, kind)
