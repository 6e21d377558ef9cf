"""Plain evaluation: the stream is cut into windows that do not overlap, and all of each is scored.

The number that the challenge's baseline prints, but for two things: the rest of the stream that fills no
window is scored too, and batches follow each other without a mean of means.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor

from reference_impl.evaluate.conditions import FIXED_PREDICTOR, ONE_BOOKING, SOFTMAX, Conditions
from reference_impl.evaluate.score import Ledger
from reference_impl.evaluate.sliding import Sliding, score_sliding

if TYPE_CHECKING:
    from reference_impl.model.gpt import GPT

CONDITIONS = Conditions(
    causal="a causal model sees the tokens of its window up to the one before",
    normalised=SOFTMAX,
    score_first=FIXED_PREDICTOR,
    single_pass=ONE_BOOKING,
)


@dataclass(frozen=True, slots=True)
class Plain:
    """Settings of plain evaluation."""

    window: int = 1024
    """Inputs a window holds."""
    batch_tokens: int = 32768
    """Inputs that go through the model at a time."""


def score_plain(model: GPT, tokens: Tensor, ledger: Ledger, settings: Plain) -> None:
    """Book every token of `tokens`, int64[N], as its window predicts it."""
    score_sliding(model, tokens, ledger, Sliding(settings.window, settings.window, settings.batch_tokens))
