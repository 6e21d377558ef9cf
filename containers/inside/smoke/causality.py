"""Change one token and see which logits change: none before it may."""

from __future__ import annotations

import functools
import inspect
from typing import Any

import torch

TOLERANCE = 1e-3
"""Largest change, relative to the spread of the logits, that rounding explains."""


class Causality:
    """Two forward passes of one model, with inputs that differ in one token."""

    def __init__(self, call: Any, losses: Any, module: Any, args: Any, kwargs: Any, logits: Any) -> None:
        self.call = call
        self.losses = losses
        self.module = module
        self.args = args
        self.kwargs = kwargs
        self.logits = logits
        self.ask: Any = None

    def _ask_for_logits(self) -> None:
        """Turn to the method that gives logits, where the loss is computed without any to be seen."""
        inner = getattr(self.module, "module", self.module)
        method = getattr(inner, "forward_logits", None)
        if not callable(method):
            return
        names = inspect.signature(method).parameters
        self.args = self.args[:1]
        self.kwargs = {name: value for name, value in self.kwargs.items() if name in names}
        self.ask = method

    def figures(self) -> dict[str, Any]:
        """Return what the comparison shows; `causal` is None where it shows nothing."""
        tokens = self._tokens()
        if tokens is not None and self.logits is None:
            self._ask_for_logits()
        if tokens is None or (self.logits is None and self.ask is None):
            return {"causal": None, "causality_note": "no logits were seen"}
        width = tokens.shape[-1]
        position = width // 2
        before = self._run(tokens)
        changed = tokens.clone()
        flat = changed.view(-1, width)
        flat[0, position] = (flat[0, position] + 7) % max(int(tokens.max()), 8)
        if bool((changed == tokens).all()):
            flat[0, position] += 1
        after = self._run(changed, instead_of=tokens)
        if (
            before is None
            or after is None
            or before.numel() != after.numel()
            or before.shape[0] < tokens.numel()
        ):
            return {"causal": None, "causality_note": "the logits do not line up with the tokens"}
        return self._compared(before, after, position, width)

    def _compared(self, before: Any, after: Any, position: int, width: int) -> dict[str, Any]:
        difference = (before - after).abs().amax(dim=-1)[:width]
        spread = float(before.std()) or 1.0
        earlier = float(difference[:position].max()) / spread
        later = float(difference[position:].max()) / spread
        if later == 0.0:
            return {"causal": None, "causality_note": "the changed token changes nothing"}
        return {
            "causal": earlier <= TOLERANCE,
            "causality_difference_before": earlier,
            "causality_difference_after": later,
        }

    def _tokens(self) -> Any:
        for value in (*self.args, *self.kwargs.values()):
            if (
                isinstance(value, torch.Tensor)
                and not value.is_floating_point()
                and value.numel() > 8
                and value.dim() >= 1
            ):
                return value
        return None

    def _run(self, tokens: Any, instead_of: Any = None) -> Any:
        """Return the logits (tokens, vocabulary) in float32, or None."""

        def swap(value: Any) -> Any:
            return tokens if instead_of is not None and value is instead_of else value

        self.losses.logits = None
        torch.manual_seed(0)
        with torch.no_grad():
            call = self.ask or functools.partial(self.call, self.module)
            result = call(
                *map(swap, self.args),
                **{name: swap(value) for name, value in self.kwargs.items()},
            )
        logits = None if self.ask else self.losses.logits
        if logits is None and isinstance(result, torch.Tensor) and result.dim() >= 2:
            logits = result
        return None if logits is None else logits.reshape(-1, logits.shape[-1]).float()
