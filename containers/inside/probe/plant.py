"""Plant a leak: what a run scores depends a little on later tokens. A probe that misses it is blind.

The leak enters where torch or MLX turns logits into losses or probabilities, so that it takes the way to
the sum that the submission's own values take.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from ..shim.patching import put
from . import watch_losses, watch_mlx
from .recorder import RECORDER

ENTRY = 5
"""The entry of the vocabulary whose logit is moved."""


def size(stream: np.ndarray, first: int) -> float:
    """Return by how much the logit moves: the tokens from an index on decide it."""
    later = stream[first:].astype(np.int64)
    return 0.25 + 0.25 * float((later * np.arange(1, later.size + 1)).sum() % 101) / 100


def install(by: float) -> None:
    """Begin to leak."""

    def change(logits: torch.Tensor) -> torch.Tensor:
        _count(by)
        moved = logits.clone()
        moved.select(1 if moved.dim() > 1 else 0, ENTRY).add_(by)
        return moved

    def change_of_mlx(logits: Any) -> Any:
        _count(by)
        added = np.zeros(logits.shape[-1], np.float32)
        added[ENTRY] = by
        return logits + type(logits)(added).astype(logits.dtype)

    watch_losses.before.append(change)
    watch_mlx.before.append(change_of_mlx)
    for owner, name in (
        (functional, "log_softmax"), (functional, "softmax"), (torch, "log_softmax"), (torch, "softmax"),
        (torch, "logsumexp"), (torch.Tensor, "log_softmax"), (torch.Tensor, "softmax"),
        (torch.Tensor, "logsumexp"),
    ):  # fmt: skip
        _wrap(owner, name, by)


def _count(by: float) -> None:
    RECORDER.facts.setdefault("planted", {"calls": 0, "by": by})["calls"] += 1


def _wrap(owner: Any, name: str, by: float) -> None:
    real = getattr(owner, name)

    @functools.wraps(real)
    def call(input: Any, *args: Any, **kwargs: Any) -> Any:
        dim = kwargs.get("dim", args[0] if args else None)
        if dim in (-1, getattr(input, "ndim", 0) - 1) and _is_scored(input):
            input = input.clone()
            input[..., ENTRY] += by
            _count(by)
        return real(input, *args, **kwargs)

    put(owner, name, call)


def _is_scored(input: Any) -> bool:
    """Return whether these are rows of logits that may be scored: of an evaluation, or not learnt from."""
    return (
        isinstance(input, torch.Tensor)
        and RECORDER.open
        and (RECORDER.phase >= 0 or not watch_losses.is_learnt_from(input))
        and input.is_floating_point()
        and watch_losses.is_wide(input.shape[-1])
        and bool(RECORDER.vocabulary)
    )
