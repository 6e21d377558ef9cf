"""The methods by name, and the one call that runs any of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from reference_impl.evaluate import (
    context_slot,
    hedge_mixer,
    lora_ttt,
    plain,
    score_first_ttt,
    sliding,
)
from reference_impl.evaluate.byte_table import ByteTable
from reference_impl.evaluate.conditions import Conditions
from reference_impl.evaluate.score import Ledger, Score

if TYPE_CHECKING:
    from reference_impl.model.gpt import GPT


@dataclass(frozen=True, slots=True)
class Method:
    """A way to score a stream."""

    settings: type[Any]
    """Record of its settings; the defaults fit the challenge's models."""
    run: Callable[[GPT, Tensor, Ledger, Any], None]
    conditions: Conditions


METHODS = {
    "plain": Method(plain.Plain, plain.score_plain, plain.CONDITIONS),
    "sliding": Method(sliding.Sliding, sliding.score_sliding, sliding.CONDITIONS),
    "score-first-ttt": Method(
        score_first_ttt.ScoreFirstTTT, score_first_ttt.score_first_ttt, score_first_ttt.CONDITIONS
    ),
    "lora-ttt": Method(lora_ttt.LoraTTT, lora_ttt.score_lora_ttt, lora_ttt.CONDITIONS),
    "context-slot": Method(
        context_slot.ContextSlot, context_slot.score_context_slot, context_slot.CONDITIONS
    ),
    "hedge-mixer": Method(hedge_mixer.HedgeMixer, hedge_mixer.score_hedge_mixer, hedge_mixer.CONDITIONS),
}


def evaluate(
    model: GPT,
    tokens: Tensor,
    byte_table: ByteTable,
    settings: Any,
    *,
    keep_nll: bool = False,
) -> Score:
    """Return the score of a stream, int64[N], by the method that the settings belong to.

    The model is left as it was found. Raises ValueError for fewer than two tokens or settings of no method.
    """
    if tokens.numel() < 2:
        raise ValueError("a stream needs two tokens: the first is never scored")
    for method in METHODS.values():
        if isinstance(settings, method.settings):
            break
    else:
        raise ValueError(f"no method has settings of the type {type(settings).__name__}")
    ledger = Ledger(tokens.numel(), byte_table, keep_nll=keep_nll)
    training = model.training
    model.eval()
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            method.run(model, tokens, ledger, settings)
    finally:
        model.train(training)
    return ledger.close()
