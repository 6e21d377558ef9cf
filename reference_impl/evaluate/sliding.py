"""Sliding-window evaluation: each token is predicted from at least `window - stride` tokens before it.

The first window scores all it sees, each further one its last `stride` positions. A stride as long as the
window is plain evaluation, bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor

from reference_impl.evaluate.conditions import FIXED_PREDICTOR, ONE_BOOKING, SOFTMAX, Conditions
from reference_impl.evaluate.model import device_of, predict
from reference_impl.evaluate.score import Ledger
from reference_impl.evaluate.windows import Window, batches, cut, windows

if TYPE_CHECKING:
    from reference_impl.model.gpt import GPT

CACHED_TOKENS = 2048
"""Inputs at a time on a CPU, where larger batches only leave the cache."""
CONDITIONS = Conditions(
    causal="a causal model sees the tokens of its window up to the one before",
    normalised=SOFTMAX,
    score_first=FIXED_PREDICTOR,
    single_pass=ONE_BOOKING,
)


@dataclass(frozen=True, slots=True)
class Sliding:
    """Settings of sliding-window evaluation."""

    window: int = 1024
    """Inputs a window holds."""
    stride: int = 64
    """Tokens from one window to the next: what a window scores."""
    batch_tokens: int = 32768
    """Inputs that go through the model at a time."""

    @property
    def rows(self) -> int:
        """Windows that go through the model at a time."""
        return max(self.batch_tokens // self.window, 1)


def score_sliding(model: GPT, tokens: Tensor, ledger: Ledger, settings: Sliding) -> None:
    """Book every token of `tokens`, int64[N], as the first window that reaches it predicts it."""
    plan = windows(tokens.numel() - 1, settings.window, settings.stride)
    rows = settings.rows
    if device_of(model).type == "cpu":
        rows = max(min(settings.batch_tokens, CACHED_TOKENS) // settings.window, 1)
    for batch in batches(plan, rows):
        book_batch(model, tokens, ledger, batch)


def book_batch(model: GPT, tokens: Tensor, ledger: Ledger, batch: list[Window]) -> None:
    """Book what a batch of windows of one shape scores."""
    inputs, targets, positions = cut(tokens, batch, device_of(model))
    known = batch[0].scored_from - batch[0].start
    log_probs = predict(model, inputs, known)
    ledger.book(
        log_probs.flatten(0, 1),
        inputs[:, known:].flatten(),
        targets[:, known:].flatten(),
        positions[:, known:].flatten(),
    )
