"""Score-first test-time training: a chunk of windows is scored, then the whole model learns from it by SGD.

The order of #461, #549 and #1413. A chunk is a run of consecutive windows, so its last scored position is the
last one that any of them may learn from, whatever the stride. Nothing is learned from the last chunk: no
score is left that could use it. The model is put back as it was when the evaluation ends.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from reference_impl.evaluate.conditions import ONE_BOOKING, SOFTMAX, Conditions
from reference_impl.evaluate.model import device_of, losses
from reference_impl.evaluate.score import Ledger
from reference_impl.evaluate.sliding import book_batch
from reference_impl.evaluate.windows import Window, batches, windows

if TYPE_CHECKING:
    from reference_impl.model.gpt import GPT

CONDITIONS = Conditions(
    causal="weights have learned from chunks before the one they score; within it the model is causal",
    normalised=SOFTMAX,
    score_first="a chunk is booked before its first gradient is taken; epochs change no booked score",
    single_pass=ONE_BOOKING,
)


@dataclass(frozen=True, slots=True)
class ScoreFirstTTT:
    """Settings of score-first training."""

    window: int = 1024
    """Inputs a window holds."""
    stride: int = 1024
    """Tokens from one window to the next."""
    batch_tokens: int = 32768
    """Inputs that go through the model at a time."""
    chunk_tokens: int = 32768
    """Tokens that are scored before they are learned from: at least this many, a whole number of windows."""
    epochs: int = 2
    """Times a chunk is gone over, after it was scored."""
    learning_rate: float = 0.002
    """Of the first chunk; falls to zero along a cosine over the chunks."""
    momentum: float = 0.9
    clip_norm: float = 1.0
    """Largest norm of a gradient."""


def score_first_ttt(model: GPT, tokens: Tensor, ledger: Ledger, settings: ScoreFirstTTT) -> None:
    """Book every token of `tokens`, int64[N], before the model learns from it."""
    kept = {name: value.clone() for name, value in model.state_dict().items()}
    optimizer = torch.optim.SGD(model.parameters(), lr=settings.learning_rate, momentum=settings.momentum)
    rows = max(settings.batch_tokens // settings.window, 1)
    plan = windows(tokens.numel() - 1, settings.window, settings.stride)
    parts = list(chunks(plan, settings.chunk_tokens))
    for number, chunk in enumerate(parts):
        for batch in batches(iter(chunk), rows):
            book_batch(model, tokens, ledger, batch)
        if number + 1 < len(parts):
            for group in optimizer.param_groups:
                group["lr"] = settings.learning_rate * 0.5 * (1.0 + math.cos(math.pi * number / len(parts)))
            scored = tokens[chunk[0].scored_from : chunk[-1].end + 1]
            learn(model, optimizer, scored, settings)
    optimizer.zero_grad(set_to_none=True)
    model.load_state_dict(kept)


def chunks(plan: Iterator[Window], chunk_tokens: int) -> Iterator[list[Window]]:
    """Yield runs of windows that score `chunk_tokens` or more together; the last may score fewer."""
    chunk: list[Window] = []
    for item in plan:
        chunk.append(item)
        if item.end - chunk[0].scored_from >= chunk_tokens:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def learn(model: GPT, optimizer: torch.optim.Optimizer, scored: Tensor, settings: ScoreFirstTTT) -> None:
    """Take steps on tokens that are booked already, int64[n + 1], in rows of a window."""
    device = device_of(model)
    rows = max(settings.batch_tokens // settings.window, 1)
    span = rows * settings.window
    for _ in range(settings.epochs):
        for start in range(0, scored.numel() - 1, span):
            piece = scored[start : start + span + 1].to(device)
            for inputs, targets in in_rows(piece, settings.window):
                optimizer.zero_grad(set_to_none=True)
                losses(model, inputs, targets).mean().backward()
                nn.utils.clip_grad_norm_(model.parameters(), settings.clip_norm)
                optimizer.step()


def in_rows(piece: Tensor, window: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield inputs and targets, int64[B, window], of a piece int64[n + 1], and the rest as a short row."""
    whole = (piece.numel() - 1) // window * window
    if whole:
        yield piece[:whole].view(-1, window), piece[1 : whole + 1].view(-1, window)
    if whole < piece.numel() - 1:
        yield piece[None, whole:-1], piece[None, whole + 1 :]
