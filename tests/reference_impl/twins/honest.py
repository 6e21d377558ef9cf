"""An entry made of the reference: train, store, read back, score. Laid as `train_gpt.py` beside
`reference_impl/`.

`records.py` writes it into record folders with one line of scoring changed, and twins of it with one rule
broken.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from reference_impl.artifact.container import load_artifact
from reference_impl.config import load_config
from reference_impl.data.dataset import Dataset
from reference_impl.data.shards import read_tokens
from reference_impl.evaluate.byte_table import ByteTable, read_byte_table
from reference_impl.evaluate.plain import Plain, score_plain
from reference_impl.evaluate.score import Ledger
from reference_impl.model.gpt import GPT
from reference_impl.train.distributed import join_peers
from reference_impl.train.export import export
from reference_impl.train.logbook import Logbook
from reference_impl.train.loop import run_loop
from reference_impl.train.session import open_session

DATA_PATH = os.environ.get("DATA_PATH", "./data/datasets/tiny_sp512_500k")
TOKENIZER_PATH = os.environ.get("TOKENIZER_PATH", "./data/tokenizers/tiny_sp512_500k.model")


def evaluate(model: GPT, tokens: Tensor, table: ByteTable, window: int) -> tuple[float, float]:
    """Score the tokens."""
    ledger = Ledger(tokens.numel(), table)
    score_plain(model, tokens, ledger, Plain(window))
    score = ledger.close()
    return score.val_loss, score.val_bpb


def main() -> None:
    """Train and score."""
    config = load_config(os.environ.get("PRESET", "micro"))
    config = replace(config, train=replace(config.train, seed=int(os.environ.get("SEED", "1337"))))
    train_files = sorted(Path(DATA_PATH).glob("fineweb_train_*.bin"))
    val_files = sorted(Path(DATA_PATH).glob("fineweb_val_*.bin"))
    dataset = Dataset(Path(DATA_PATH).name, train_files, val_files, Path(TOKENIZER_PATH))
    out = Path(os.environ.get("RUN_ID", "run"))
    session = open_session(config, dataset, join_peers(config.train), Logbook(out))
    run_loop(session)
    session.average.apply()
    export(session, len(Path(__file__).read_bytes()), out / "model.rgolf")

    artifact = load_artifact(out / "model.rgolf")
    model, window = artifact.model, config.train.train_seq_len
    tokens = read_tokens(val_files)
    table = read_byte_table(Path(TOKENIZER_PATH), config.model.vocab_size)
    val_loss, val_bpb = evaluate(model, tokens, table, window)
    print(f"final_plain_exact val_loss:{val_loss:.8f} val_bpb:{val_bpb:.8f}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
