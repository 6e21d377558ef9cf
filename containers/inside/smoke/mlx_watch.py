"""Catch an MLX model at its first training call: parameters, loss, gradients."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from .model_watch import StageDoneError


class MlxWatch:
    """Watches scripts that train with MLX; installed when a source speaks of it."""

    def __init__(self) -> None:
        self.installed = False
        self.built = False
        self.figures: dict[str, Any] = {}
        self.forward: dict[str, Any] = {}

    def learn(self, text: str) -> None:
        """Install when a source imports MLX."""
        if self.installed or "mlx.nn" not in text:
            return
        try:
            import mlx.nn as nn
        except ImportError:
            return
        self.installed = True
        real = nn.value_and_grad

        def value_and_grad(model: Any, function: Callable[..., Any]) -> Callable[..., Any]:
            made = real(model, function)

            def call(*args: Any, **kwargs: Any) -> Any:
                self.look(model, made, args, kwargs)
                raise StageDoneError

            return call

        nn.value_and_grad = value_and_grad

    def look(self, model: Any, function: Callable[..., Any], args: Any, kwargs: Any) -> None:
        """Compute loss and gradients once."""
        import mlx.core as mx
        from mlx.utils import tree_flatten

        self.built = True
        self.figures["parameters"] = sum(item.size for _, item in tree_flatten(model.parameters()))
        loss, grads = function(*args, **kwargs)
        value = float((loss[0] if isinstance(loss, tuple) else loss).item())
        self.figures["train_loss"] = value
        found = [item for _, item in tree_flatten(grads)]
        self.figures["parameters_with_gradient"] = sum(item.size for item in found)
        finite = math.isfinite(value) and all(bool(mx.isfinite(item).all().item()) for item in found)
        if not finite:
            error = {"class": "LossNotFinite", "message": f"the loss is {value}, or a gradient is not finite"}
            self.forward = {"problem": True, "error": error}

    def facts(self) -> dict[str, Any]:
        """Return what was seen; causality is looked at for torch only."""
        return {
            "built": self.built,
            "forward": self.forward,
            "figures": self.figures,
            "detail": "an MLX model",
        }
