"""Watch weights change: optimizer steps, and states that are loaded into a module."""

from __future__ import annotations

import functools
import zlib
from collections.abc import Iterable
from typing import Any

import torch
from torch.optim.optimizer import register_optimizer_step_post_hook

from ..shim.patching import put
from .recorder import RECORDER, site_of_theirs
from .trace import Event, Kind


def install() -> None:
    """Begin to watch."""
    register_optimizer_step_post_hook(_stepped)
    real = torch.nn.Module.load_state_dict

    @functools.wraps(real)
    def load_state_dict(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = real(self, *args, **kwargs)
        state = digest(self.parameters())
        RECORDER.put(Event(Kind.ASSIGN, site_of_theirs(), RECORDER.phase, state=state))
        return result

    put(torch.nn.Module, "load_state_dict", load_state_dict)


def _stepped(optimizer: Any, *_: Any) -> None:
    if RECORDER.open:
        weights = [weight for group in optimizer.param_groups for weight in group["params"]]
        RECORDER.put(Event(Kind.UPDATE, site_of_theirs(), RECORDER.phase, state=digest(weights)))


def digest(weights: Iterable[torch.Tensor]) -> int:
    """Return a digest of tensors in order."""
    made = 0
    for weight in weights:
        flat = weight.detach().contiguous().reshape(-1)
        made = zlib.crc32(flat.view(torch.uint8).numpy().tobytes(), made) if flat.numel() else made
    return made
