"""Load an example's script as a module, with a model small enough for a test."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

RECORDS = Path(__file__).resolve().parents[2] / "examples" / "records" / "track_cpu_tiny"
NAMES = ("NeuralBaseline", "NgramCache", "PrequantTTT", "ScoreFirstTTT")


def record(name: str) -> Path:
    """Return the record folder of one example."""
    return next(RECORDS.glob(f"*_{name}"))


def load_script(name: str) -> Any:
    """Import one example's train_gpt.py under a name of its own."""
    spec = importlib.util.spec_from_file_location(f"example_{name}", record(name) / "train_gpt.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def small_arguments(module: Any) -> Any:
    """Return hyperparameters of a model that takes milliseconds."""
    args = module.Hyperparameters()
    args.num_layers, args.model_dim, args.num_heads = 1, 16, 2
    return args
