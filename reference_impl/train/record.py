"""The entry of the flat script: paths and seed from the environment, as the challenge gives them."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from reference_impl.config import Config
from reference_impl.data.dataset import Dataset
from reference_impl.train.run import run_training


def run_record(config: Config) -> None:
    """Train, store and score with shards of `DATA_PATH` and the tokenizer at `TOKENIZER_PATH`."""
    folder = Path(os.environ.get("DATA_PATH", "./data/datasets/fineweb10B_sp1024"))
    tokenizer = Path(os.environ.get("TOKENIZER_PATH", "./data/tokenizers/fineweb_1024_bpe.model"))
    dataset = Dataset(
        folder.name,
        sorted(folder.glob("fineweb_train_*.bin")),
        sorted(folder.glob("fineweb_val_*.bin")),
        tokenizer,
    )
    seed = int(os.environ.get("SEED", config.train.seed))
    config = replace(config, train=replace(config.train, seed=seed))
    out = Path(os.environ.get("RUN_ID", "run"))
    run_training(config, dataset, out, len(Path(__file__).read_bytes()))
