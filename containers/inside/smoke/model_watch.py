"""Catch the model at its first training call: parameters, one forward and backward pass, causality.

Where the script trains without calling its largest module (it calls a method instead), the first optimizer
step is caught: a backward pass has been made by then, but causality is not looked at.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as functional
from torch.optim.optimizer import register_optimizer_step_pre_hook

from .. import failures
from ..shim import compilation
from .causality import Causality

SHARE = 0.6
"""A module is the model when it holds this share of the parameters of the largest module seen."""


class StageDoneError(BaseException):
    """All that the stage wanted has been seen; ends the script."""


class ModelWatch:
    """Watches one process."""

    def __init__(self) -> None:
        self.largest = 0
        self.depth = 0
        self.figures: dict[str, Any] = {}
        self.forward: dict[str, Any] = {}
        self.built = False
        self.detail = ""
        self.call: Any = torch.nn.Module.__call__
        self.losses = Losses()

    def install(self) -> None:
        """Begin to watch."""
        real = self.call
        watch = self

        def call(module: Any, *args: Any, **kwargs: Any) -> Any:
            if watch.depth or not torch.is_grad_enabled() or not watch.is_model(module):
                return real(module, *args, **kwargs)
            watch.depth += 1
            watch.look(module, args, kwargs)
            raise StageDoneError

        torch.nn.Module.__call__ = call  # type: ignore[method-assign]
        real_to = torch.nn.Module.to

        def to(module: Any, *args: Any, **kwargs: Any) -> Any:
            watch.saw(module)
            return real_to(module, *args, **kwargs)

        torch.nn.Module.to = to  # type: ignore[method-assign,assignment]
        compilation.LISTENERS.append(self.saw)
        self.losses.install()
        register_optimizer_step_pre_hook(self._stepping)

    def saw(self, module: Any) -> None:
        """Look at a module that may be the model."""
        if isinstance(module, torch.nn.Module):
            self.largest = max(self.largest, _count(module))

    def is_model(self, module: Any) -> bool:
        """Return whether a module that is called in training is the model."""
        if not module.training or not self.largest:
            return False
        return _count(module) >= SHARE * self.largest

    def look(self, module: Any, args: Any, kwargs: Any) -> None:
        """Run the model forward and back, then look at its causality."""
        self.built = True
        self.figures["parameters"] = _count(module)
        try:
            loss, logits = self._forward(module, args, kwargs)
            self._backward(module, loss)
            self.figures |= Causality(self.call, self.losses, module, args, kwargs, logits).figures()
        except StageDoneError:
            raise
        except Exception as error:
            self.forward = {"problem": True, "error": failures.described(error)}

    def _forward(self, module: Any, args: Any, kwargs: Any) -> tuple[Any, Any]:
        torch.manual_seed(0)
        self.losses.logits = self.losses.loss = None
        with torch.autocast("cpu", torch.bfloat16, enabled=torch.is_autocast_enabled("cpu")):
            result = self.call(module, *args, **kwargs)
        loss = _scalar(result)
        if loss is None:
            loss = self.losses.loss
        logits = self.losses.logits if self.losses.logits is not None else _logits(result)
        if loss is None and logits is not None:
            loss = logits.float().logsumexp(-1).mean()
        if loss is None:
            raise RuntimeError("the model returned neither a loss nor logits")
        return loss, logits

    def _backward(self, module: Any, loss: Any) -> None:
        value = float(loss.detach())
        self.figures["train_loss"] = value
        if not math.isfinite(value):
            self.forward = {
                "problem": True,
                "error": {"class": "LossNotFinite", "message": f"the loss is {value}"},
            }
            return
        loss.backward()
        grads = [item.grad for item in module.parameters() if item.grad is not None]
        self.figures["parameters_with_gradient"] = sum(item.numel() for item in grads)
        if not all(bool(torch.isfinite(item).all()) for item in grads):
            self.forward = {
                "problem": True,
                "error": {"class": "GradientNotFinite", "message": "a gradient is not finite"},
            }

    def _stepping(self, optimizer: Any, *_: Any) -> None:
        """Stop at the first optimizer step: the model was trained by other ways than calling it."""
        self.built = self.largest > 0
        self.figures["parameters"] = self.largest
        self.detail = (
            "seen at the first optimizer step: the script trains by a method, causality is not looked at"
        )
        if self.losses.loss is not None:
            self.figures["train_loss"] = float(self.losses.loss.detach())
        raise StageDoneError

    def facts(self) -> dict[str, Any]:
        """Return what was seen."""
        if not self.built and not self.detail:
            self.detail = "the script ended without training a torch module"
        return {"built": self.built, "forward": self.forward, "figures": self.figures, "detail": self.detail}


class Losses:
    """Remembers the logits and the loss of the last cross entropy."""

    def __init__(self) -> None:
        self.logits: Any = None
        self.loss: Any = None

    def install(self) -> None:
        """Watch `cross_entropy`."""
        real = functional.cross_entropy

        def cross_entropy(input: Any, target: Any, *args: Any, **kwargs: Any) -> Any:
            result = real(input, target, *args, **kwargs)
            if input.dim() >= 2 and self.logits is None:  # the first is the main one, others are auxiliary
                self.logits = input
            self.loss = result if result.dim() == 0 else result.mean()
            return result

        functional.cross_entropy = cross_entropy


def _count(module: Any) -> int:
    return sum(item.numel() for item in module.parameters())


def _scalar(result: Any) -> Any:
    values = result if isinstance(result, tuple | list) else [result]
    for value in values:
        if isinstance(value, torch.Tensor) and value.dim() == 0 and value.is_floating_point():
            return value
    return None


def _logits(result: Any) -> Any:
    values = result if isinstance(result, tuple | list) else [result]
    for value in values:
        if (
            isinstance(value, torch.Tensor)
            and value.dim() >= 2
            and value.is_floating_point()
            and value.shape[-1] >= 256
        ):
            return value
    return None
