"""Spoil what a run holds in memory at the moment it reads its artifact back, and take its training data away.

What is scored afterwards is then the artifact's, or it is not what it was.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch

from .recorder import RECORDER
from .watch_files import loaded


def plan(number: int, root: str) -> None:
    """Spoil at the opening of that number, counted from one."""

    def listener(path: str, count: int) -> None:
        if count == number:
            RECORDER.facts["reload"] = {
                "path": os.path.basename(path),
                "poisoned": poison(),
                "shards_removed": remove_shards(root),
                "read_back": True,
            }

    loaded.append(listener)


def poison() -> int:
    """Fill the parameters of every module that is alive with noise; return how many there were."""
    noise = torch.Generator().manual_seed(1)
    seen: set[int] = set()
    alive = gc.get_objects()
    for module in [item for item in alive if _is_module(item)]:
        for weight in module.__dict__.get("_parameters", {}).values():
            if weight is not None and id(weight) not in seen and weight.is_floating_point():
                seen.add(id(weight))
                drawn = torch.randn(weight.shape, generator=noise)
                weight.data.copy_(drawn)
    return len(seen) + _poison_mlx(alive)


def _poison_mlx(alive: Iterable[Any]) -> int:
    """Do the same to the modules of MLX, where it is loaded."""
    mx, nn = sys.modules.get("mlx.core"), sys.modules.get("mlx.nn")
    if mx is None or nn is None:
        return 0
    noise = np.random.default_rng(1)
    seen: set[int] = set()
    for module in [item for item in alive if issubclass(type(item), nn.Module)]:
        for _, weight in sys.modules["mlx.utils"].tree_flatten(nn.Module.parameters(module)):
            if id(weight) not in seen and mx.issubdtype(weight.dtype, mx.floating):
                seen.add(id(weight))
                drawn = noise.standard_normal(weight.shape, np.float32)
                weight[...] = mx.array(drawn).astype(weight.dtype)
    return len(seen)


def _is_module(item: Any) -> bool:
    return issubclass(type(item), torch.nn.Module)


def remove_shards(root: str) -> int:
    """Take the training shards out of the run's folder; return how many there were."""
    removed = 0
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.islink(path) and os.path.basename(os.path.realpath(path)).startswith("train"):
                os.unlink(path)
                removed += 1
    return removed
