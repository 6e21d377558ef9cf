"""Watch torch compute token losses: value, target and a digest of the row of logits of each.

Every way that torch itself offers is watched, and the gathering of a target's entry from rows as wide as the
vocabulary, whatever made them. What a C++ or numpy scorer computes is seen where it enters a sum.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from ..shim import twins
from ..shim.patching import put
from .recorder import RECORDER, site_of_theirs
from .trace import SMOOTHED, Event, Kind

SMALLEST_VOCABULARY = 64
_ROWS_AT_ONCE = 256
_SURE = 1e-4
"""How near one the sum of a row is that is taken for probabilities."""
_SURE_HALF = 2e-2
"""The same where they are rounded to 16 bits."""
_weights: dict[int, torch.Tensor] = {}
_cross_entropy = functional.cross_entropy
_nll_loss = functional.nll_loss
_gather = torch.Tensor.gather
_logsumexp = torch.logsumexp
before: list[Callable[[torch.Tensor], torch.Tensor]] = []
"""What is done to logits before a loss is computed from them: a planted leak."""


def install() -> None:
    """Replace the functions that compute token losses."""
    put(functional, "cross_entropy", cross_entropy)
    put(functional, "nll_loss", nll_loss)
    put(torch, "gather", lambda input, dim, index, **more: gather(input, dim, index, **more))
    put(torch.Tensor, "gather", gather)
    twins.LOSSES.append(heard)


def cross_entropy(input: Any, target: Any, *args: Any, **kwargs: Any) -> Any:
    """Compute as torch does, and record the loss of each token."""
    if not _are_losses(input, target, 1):
        return _cross_entropy(input, target, *args, **kwargs)
    given = planted(input)
    grad = is_learnt_from(given)
    result = _cross_entropy(given, target, *args, **kwargs)
    ignored = kwargs.get("ignore_index", args[2] if len(args) > 2 else -100)
    with torch.no_grad():
        rows, targets = _rows(given), target.reshape(-1)
        smoothed = kwargs.get("label_smoothing", args[5] if len(args) > 5 else 0.0) or 0.0
        if result.dim() and kwargs.get("weight") is None:
            values = result
        else:
            values = _cross_entropy(
                rows, targets, ignore_index=ignored, reduction="none", label_smoothing=smoothed
            )
        record(rows, targets, values.reshape(-1), grad, SMOOTHED if smoothed else "")
    return result


def nll_loss(input: Any, target: Any, *args: Any, **kwargs: Any) -> Any:
    """Compute as torch does, and record the loss of each token."""
    if _are_losses(input, target, 1):
        grad = is_learnt_from(input)
        with torch.no_grad():
            rows, targets = _rows(input), target.reshape(-1)
            values = _nll_loss(rows, targets, reduction="none")
            record(rows, targets, values, grad)
    return _nll_loss(input, target, *args, **kwargs)


def gather(input: Any, dim: Any, index: Any, **more: Any) -> Any:
    """Gather as torch does, and record it where it takes one entry of each row of the vocabulary."""
    result = _gather(input, dim, index, **more)
    if (
        RECORDER.open
        and isinstance(dim, int)
        and dim in (-1, input.dim() - 1)
        and index.dim() == input.dim()
        and index.shape[-1] == 1
        and index.shape[:-1] == input.shape[:-1]
        and is_wide(input.shape[-1])
        and input.is_floating_point()
    ):
        grad = is_learnt_from(input)
        with torch.no_grad():
            rows = input.reshape(-1, input.shape[-1])
            chosen(rows, index.reshape(-1), result.reshape(-1), grad)
    return result


def chosen(
    rows: torch.Tensor,
    targets: torch.Tensor,
    entries: torch.Tensor,
    grad: bool,
    total: torch.Tensor | None = None,
) -> None:
    """Record the entries that were taken of rows of logits, log probabilities or probabilities.

    `total` is the log-sum-exp of each row, where somebody has computed it.
    """
    total = _logsumexp(rows.float(), -1) if total is None else total
    sure = _SURE if rows.dtype.itemsize > 2 else _SURE_HALF
    if bool((total.abs() < sure).all()):
        values = -entries
    elif bool((rows >= 0).all()) and bool(((rows.float().sum(-1) - 1).abs() < sure).all()):
        values = -entries.log()
    else:
        values = total - entries
    record(rows, targets, values, grad)


def heard(logits: torch.Tensor, targets: torch.Tensor, values: torch.Tensor) -> None:
    """Record losses that a twin of a fused kernel has computed."""
    if RECORDER.open and values.numel():
        with torch.no_grad():
            record(_rows(logits), targets.reshape(-1), values.reshape(-1), logits.requires_grad)


def record(
    rows: torch.Tensor, targets: torch.Tensor, values: torch.Tensor, grad: bool, text: str = ""
) -> None:
    """Put one event for the losses of many tokens; `text` says what makes them no plain log-softmax."""
    RECORDER.width = max(RECORDER.width, rows.shape[-1])
    RECORDER.put(
        Event(
            Kind.LOSS,
            site_of_theirs(),
            RECORDER.phase,
            values=values.detach().double().numpy().copy(),
            targets=targets.detach().long().numpy().copy(),
            digests=digests(rows) if RECORDER.phase >= 0 or not grad else None,
            shape=tuple(values.shape),
            grad=bool(grad),
            text=text,
        )
    )


def digests(rows: torch.Tensor) -> np.ndarray:
    """Return a digest of each row: equal rows have equal ones."""
    width = rows.shape[-1]
    if width not in _weights:
        drawn = np.random.default_rng(width).integers(1, 2**62, width, np.int64)
        _weights[width] = torch.from_numpy(drawn | 1)
    made = [
        (part.float().contiguous().view(torch.int32).long() * _weights[width]).sum(-1)
        for part in torch.split(rows.detach(), _ROWS_AT_ONCE)
    ]
    return torch.cat(made).numpy() if made else np.zeros(0, np.int64)


def planted(logits: torch.Tensor) -> torch.Tensor:
    """Return logits that may be scored, with what a planted leak adds; those of training stay."""
    if before and (RECORDER.phase >= 0 or not is_learnt_from(logits)):
        for change in before:
            logits = change(logits)
    return logits


def is_learnt_from(logits: torch.Tensor) -> bool:
    """Return whether a gradient is being recorded for them."""
    return logits.requires_grad and torch.is_grad_enabled()


def _are_losses(input: Any, target: Any, dim: int) -> bool:
    return (
        RECORDER.open
        and isinstance(target, torch.Tensor)
        and isinstance(input, torch.Tensor)
        and input.dim() >= 2
        and input.shape[dim] >= SMALLEST_VOCABULARY
        and not target.is_floating_point()
        and target.numel() > 0
    )


def is_wide(width: int) -> bool:
    """Return whether rows are as wide as the vocabulary, padding allowed."""
    known = RECORDER.vocabulary
    return width >= SMALLEST_VOCABULARY and (not known or known <= width <= known + 256)


def _rows(input: torch.Tensor) -> torch.Tensor:
    return input.movedim(1, -1).reshape(-1, input.shape[1]) if input.dim() > 2 else input
