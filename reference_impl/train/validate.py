"""The validation that the trainer prints: the authoritative plain evaluation, over the whole split.

One process scores; the split is never shortened. The clock stands still meanwhile, so a slow validation costs
nothing but patience.
"""

from __future__ import annotations

from reference_impl.config import Config
from reference_impl.data.dataset import Dataset
from reference_impl.data.shards import read_tokens
from reference_impl.evaluate.byte_table import read_byte_table
from reference_impl.evaluate.plain import Plain, score_plain
from reference_impl.evaluate.score import Ledger, Score
from reference_impl.model.gpt import GPT


def validate(model: GPT, config: Config, dataset: Dataset) -> Score:
    """Return the plain score of the validation split in windows of the training length."""
    table = read_byte_table(dataset.tokenizer_path, config.model.vocab_size)
    tokens = read_tokens(dataset.val_files)
    ledger = Ledger(tokens.numel(), table)
    training = model.training
    model.eval()
    settings = Plain(config.train.train_seq_len, config.train.val_batch_tokens)
    score_plain(model, tokens, ledger, settings)
    model.train(training)
    return ledger.close()
