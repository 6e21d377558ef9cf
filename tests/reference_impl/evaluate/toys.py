"""A small model whose weights all matter, a stream of documents, a ledger that keeps distributions."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from reference_impl.config import ModelConfig
from reference_impl.evaluate.byte_table import ByteTable
from reference_impl.evaluate.context_slot import ContextSlot
from reference_impl.evaluate.hedge_mixer import HedgeMixer
from reference_impl.evaluate.lora_ttt import LoraTTT
from reference_impl.evaluate.methods import METHODS
from reference_impl.evaluate.plain import Plain
from reference_impl.evaluate.score import Ledger
from reference_impl.evaluate.score_first_ttt import ScoreFirstTTT
from reference_impl.evaluate.sliding import Sliding
from reference_impl.model.gpt import GPT

VOCAB, BOS, WINDOW, TOKENS = 48, 1, 16, 215

SETTINGS: dict[str, Any] = {
    "plain": Plain(window=WINDOW, batch_tokens=64),
    "sliding": Sliding(window=WINDOW, stride=5, batch_tokens=64),
    "score-first-ttt": ScoreFirstTTT(
        window=WINDOW, stride=8, batch_tokens=64, chunk_tokens=32, learning_rate=0.3
    ),
    "lora-ttt": LoraTTT(window=WINDOW, chunk_tokens=6, batch_documents=3, rank=2, learning_rate=0.1),
    "context-slot": ContextSlot(window=WINDOW, stride=5, batch_tokens=64, steps=3, learning_rate=0.1),
    "hedge-mixer": HedgeMixer(window=WINDOW, stride=WINDOW, batch_tokens=64, block_tokens=7, rows=61),
}
ADAPTIVE = ("score-first-ttt", "lora-ttt", "context-slot", "hedge-mixer")
assert SETTINGS.keys() == METHODS.keys()


def make_model(seed: int = 3) -> GPT:
    """Return a model whose silent layers were woken, so that everything reaches the logits."""
    torch.manual_seed(seed)
    config = ModelConfig(
        vocab_size=VOCAB, num_layers=2, model_dim=32, num_heads=4, num_kv_heads=2, max_seq_len=64
    )
    model = GPT(config)
    with torch.no_grad():
        for tensor in model.parameters():
            tensor.add_(torch.randn_like(tensor) * 0.1)
    return model


def make_tokens(seed: int = 5, count: int = TOKENS) -> Tensor:
    """Return a stream int64[count] of documents of 5 to 40 tokens, with a pattern that can be learned."""
    draw = torch.Generator().manual_seed(seed)
    tokens = torch.randint(2, 8, (count,), generator=draw)
    tokens[::3] = 9
    start = 0
    while start < count:
        tokens[start] = BOS
        start += int(torch.randint(5, 40, (1,), generator=draw))
    return tokens


def make_table() -> ByteTable:
    """Return a table: BOS stands for no text, odd pieces begin with a space, id n has n % 4 + 1 letters."""
    ids = torch.arange(VOCAB)
    no_text = ids <= BOS
    return ByteTable(torch.where(no_text, 0, ids % 4 + 1), (ids % 2 == 1) & ~no_text, no_text)


class Recorder(Ledger):
    """A ledger that also keeps the distribution of each token and how often each was scored."""

    def __init__(self, tokens: Tensor) -> None:
        super().__init__(tokens.numel(), make_table(), keep_nll=True)
        self.log_probs = torch.zeros(tokens.numel() - 1, VOCAB)
        self.times = torch.zeros(tokens.numel() - 1, dtype=torch.int64)
        self.seen = (torch.zeros_like(self.times), torch.zeros_like(self.times))

    def book(self, log_probs: Tensor, previous: Tensor, targets: Tensor, positions: Tensor) -> None:
        super().book(log_probs, previous, targets, positions)
        self.log_probs[positions] = log_probs
        self.times.index_add_(0, positions, torch.ones_like(positions))
        self.seen[0][positions], self.seen[1][positions] = previous, targets


def record(name: str, tokens: Tensor, model: GPT | None = None, settings: Any = None) -> Recorder:
    """Run a method and return what it booked."""
    recorder = Recorder(tokens)
    METHODS[name].run(model or make_model(), tokens, recorder, settings or SETTINGS[name])
    return recorder
