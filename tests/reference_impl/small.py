"""Small configurations, every technique by name, and data that takes no time to make."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the cpu extra")

from reference_impl.config import Config, config_from_dict  # noqa: E402
from reference_impl.data.dataset import Dataset  # noqa: E402
from reference_impl.data.shards import write_shard  # noqa: E402
from reference_impl.data.tiny import train_tokenizer  # noqa: E402
from reference_impl.model.gpt import GPT  # noqa: E402

if TYPE_CHECKING:
    from torch import Tensor

VOCAB, LENGTH, BOS = 300, 16, 1
SHAPE = {
    "vocab_size": VOCAB,
    "num_layers": 4,
    "model_dim": 32,
    "num_heads": 4,
    "num_kv_heads": 2,
    "max_seq_len": 32,
}
# Each technique of the network: the settings that turn it on.
TECHNIQUES: dict[str, dict[str, Any]] = {
    "partial rope": {"rope_dims": 4},
    "qk gain": {"qk_gain_init": 4.0},
    "softcap": {"logit_softcap": 2.0},
    "split 1/3": {"encoder_layers": 1},
    "leaky relu squared": {"activation": "leaky_relu2"},
    "depth-scaled norm": {"norm_depth_scale": True},
    "xsa": {"xsa_last": 2},
    "bigram hash": {"bigram_buckets": 50, "bigram_dim": 8},
    "smear gate": {"smear_gate": True},
    "value embedding": {"value_embed_layers": [2, 3], "value_embed_dim": 8},
    "lanes": {"lanes_from": 2},
    "backout": {"backout": True},
    "repeats": {"core_end": 4, "passes": 3},
    "repeats with skip": {"core_end": 4, "passes": 3, "repeat_skip": True},
    "core": {"core_start": 1, "core_end": 3, "passes": 2},
    "core, scaled": {"core_start": 1, "core_end": 3, "passes": 2, "residual_scale_init": 0.5},
    "core, fed back": {"core_start": 1, "core_end": 3, "passes": 2, "feedback_rank": 2},
    "document mask": {"document_mask": True},
    "orthogonal start": {"orthogonal_init": True},
}


def make_config(model: dict[str, Any] | None = None, **sections: dict[str, Any]) -> Config:
    """Return a small configuration with settings laid over it."""
    train = {
        "train_seq_len": LENGTH,
        "train_batch_tokens": 8 * LENGTH,
        "micro_batches": 2,
        "iterations": 4,
        "max_wallclock_seconds": 0.0,
        "warmup_steps": 0,
        "val_every": 0,
        "val_batch_tokens": 256,
        "device": "cpu",
    }
    tree = {
        "model": {**SHAPE, **(model or {})},
        "train": {**train, **sections.pop("train", {})},
        # A run of a few steps would spend all of them in the default warmdown.
        "optim": {"warmdown_steps": 0, **sections.pop("optim", {})},
    }
    return config_from_dict({**tree, **sections})


def make_model(model: dict[str, Any] | None = None, seed: int = 0) -> GPT:
    """Return a network whose weights are all away from their special starts."""
    torch.manual_seed(seed)
    network = GPT(make_config(model).model)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    return network


def make_tokens(batch: int = 2, length: int = LENGTH, seed: int = 0) -> Tensor:
    """Return documents of random tokens, int64 [batch, length]."""
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randint(3, VOCAB, (batch, length), generator=generator)
    tokens[:, 0] = BOS
    tokens[:, length // 2] = BOS
    return tokens


def make_dataset(folder: Path) -> Dataset:
    """Write two training shards, a validation shard and a tokenizer."""
    words = [f"word{number} " * (number % 7 + 1) for number in range(200)]
    tokenizer = folder / "tokenizer.model"
    tokenizer.write_bytes(train_tokenizer(words, VOCAB))
    draw = np.random.default_rng(0)
    names = ("fineweb_train_000000.bin", "fineweb_train_000001.bin", "fineweb_val_000000.bin")
    for name, count in zip(names, (700, 900, 400), strict=True):
        # A skewed alphabet: there is something to learn.
        tokens = np.minimum(draw.geometric(0.05, count) + 3, VOCAB - 1)
        tokens[::50] = BOS
        write_shard(folder / name, tokens.astype(np.uint16))
    return Dataset("small", [folder / names[0], folder / names[1]], [folder / names[2]], tokenizer)
