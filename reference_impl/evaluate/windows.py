"""Which window predicts which token.

Windows of at most `window` inputs start every `stride` tokens. The first scores all it sees; each further one
scores the positions that no earlier one has: its last `stride`, or what is left of them at the end of the
stream. So each token is scored once, from at least `window - stride` tokens before it (fewer at the start of
the stream only).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from reference_impl.config import ConfigError


class Window(NamedTuple):
    """Inputs `tokens[start:end]`, of which those from `scored_from` on have their next token scored."""

    start: int
    scored_from: int
    end: int


def windows(inputs: int, window: int, stride: int) -> Iterator[Window]:
    """Yield the windows over `inputs` tokens that have a next one. Raises ConfigError for a bad stride."""
    if not 1 <= stride <= window:
        raise ConfigError(f"a stride of {stride} does not fit a window of {window}")
    start = scored = 0
    while scored < inputs:
        end = min(start + window, inputs)
        yield Window(start, scored, end)
        start, scored = start + stride, end


def batches(plan: Iterator[Window], rows: int) -> Iterator[list[Window]]:
    """Yield up to `rows` windows at a time that have one length and score as many positions."""
    batch: list[Window] = []
    for item in plan:
        if batch and (len(batch) == rows or _shape(batch[0]) != _shape(item)):
            yield batch
            batch = []
        batch.append(item)
    if batch:
        yield batch


def _shape(item: Window) -> tuple[int, int]:
    return item.end - item.start, item.end - item.scored_from


def cut(tokens: Tensor, batch: list[Window], device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Return inputs, targets and positions of a batch of windows: int64[B, T] each.

    tokens: int64[N]. The position of a target is its index less one, so positions count from 0 to N - 2.
    """
    length = batch[0].end - batch[0].start
    starts = torch.tensor([item.start for item in batch])
    positions = starts[:, None] + torch.arange(length)
    return tokens[positions].to(device), tokens[positions + 1].to(device), positions.to(device)
