"""Count what a run does: optimizer steps, backward passes, artifacts read back, the largest model it made."""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch.optim.optimizer import register_optimizer_step_post_hook

from ..shim import compilation


class Counts:
    """Counts of this process."""

    def __init__(self) -> None:
        self.optimizer_steps = 0
        self.backwards = 0
        self.state_loads = 0
        self.parameters = 0

    def install(self) -> None:
        """Begin to count."""
        register_optimizer_step_post_hook(self._stepped)
        compilation.LISTENERS.append(self.saw)
        self._wrap(torch.Tensor, "backward", "backwards")
        self._wrap(torch.nn.Module, "load_state_dict", "state_loads")
        real = torch.nn.Module.to

        @functools.wraps(real)
        def to(module: Any, *args: Any, **kwargs: Any) -> Any:
            self.saw(module)
            return real(module, *args, **kwargs)

        torch.nn.Module.to = to  # type: ignore[method-assign,assignment]

    def saw(self, module: Any) -> None:
        """Look at a module that may be the model; what is made after training began is an adapter."""
        if isinstance(module, torch.nn.Module) and not self.optimizer_steps:
            self.parameters = max(self.parameters, sum(item.numel() for item in module.parameters()))

    def figures(self) -> dict[str, int]:
        """Return the counts by name."""
        return {
            "optimizer_steps": self.optimizer_steps,
            "backward_passes": self.backwards,
            "state_loads": self.state_loads,
            "parameters_tiny": self.parameters,
        }

    def _stepped(self, *_: Any) -> None:
        self.optimizer_steps += 1

    def _wrap(self, owner: Any, name: str, count: str) -> None:
        real = getattr(owner, name)

        @functools.wraps(real)
        def call(*args: Any, **kwargs: Any) -> Any:
            setattr(self, count, getattr(self, count) + 1)
            return real(*args, **kwargs)

        setattr(owner, name, call)
