"""What is added around the token embedding: hashed bigrams, the smear gate and value embeddings.

Each respects documents: at BOS neither the bigram nor the smear sees the token before it, which belongs to
another document (#1797 taught that a left-to-right test does not notice when they do).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from reference_impl.config import ModelConfig
from reference_impl.model.linear import CastedLinear

# Two odd multipliers spread pairs over the buckets; collisions are harmless, they only share a row.
HASH_CURRENT, HASH_PREVIOUS = 0x9E3779B1, 0x85EBCA77


def previous_token(input_ids: Tensor) -> Tensor:
    """Return the token before each of [B, T], 0 at the first position."""
    return F.pad(input_ids[:, :-1], (1, 0))


class BigramHash(nn.Module):
    """An input embedding of the pair (previous, current), hashed into a small table (#198)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.buckets, self.bos_id = config.bigram_buckets, config.bos_id
        self.table = nn.Embedding(config.bigram_buckets, config.bigram_dim)
        nn.init.normal_(self.table.weight, std=config.bigram_dim**-0.5)
        self.proj = CastedLinear(config.bigram_dim, config.model_dim)
        self.bigram_scale = nn.Parameter(torch.tensor(0.05))

    def bucket(self, input_ids: Tensor) -> Tensor:
        """Return the row of each position [B, T]; row 0 stands for 'nothing before'."""
        mixed = (input_ids * HASH_CURRENT) ^ (previous_token(input_ids) * HASH_PREVIOUS)
        row = 1 + mixed % (self.buckets - 1)
        alone = input_ids == self.bos_id
        alone[:, 0] = True
        return row.masked_fill(alone, 0)

    def forward(self, input_ids: Tensor) -> Tensor:
        """[B, T] -> [B, T, D]."""
        return self.proj(self.table(self.bucket(input_ids))) * self.bigram_scale


class SmearGate(nn.Module):
    """Mix each embedding with the one before it through a learned gate a dimension (#198)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.bos_id = config.bos_id
        # sigmoid(-2) is about 0.12: a little smear from the start.
        self.smear_gate = nn.Parameter(torch.full((config.model_dim,), -2.0))

    def forward(self, x: Tensor, input_ids: Tensor) -> Tensor:
        """[B, T, D] -> [B, T, D]; position 0 and BOS come out unchanged."""
        before = F.pad(x[:, :-1], (0, 0, 1, 0))
        inside = input_ids != self.bos_id
        inside = inside & (torch.arange(input_ids.size(1), device=x.device) > 0)
        gate = torch.sigmoid(self.smear_gate).to(x.dtype) * inside.unsqueeze(-1).to(x.dtype)
        return torch.lerp(x, before, gate)


class ValueEmbedding(nn.Module):
    """A second token embedding, added to the attention values of chosen blocks (#1231)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        kv_dim = config.num_kv_heads * config.model_dim // config.num_heads
        self.table = nn.Embedding(config.vocab_size, config.value_embed_dim)
        nn.init.normal_(self.table.weight, std=config.value_embed_dim**-0.5)
        self.proj = CastedLinear(config.value_embed_dim, kv_dim)
        self.layers = config.value_embed_layers
        self.value_scale = nn.Parameter(torch.full((len(self.layers),), 0.1))

    def forward(self, input_ids: Tensor) -> dict[int, Tensor]:
        """[B, T] -> one [B, T, KV * d] a chosen block."""
        shared = self.proj(self.table(input_ids))
        return {layer: shared * self.value_scale[i] for i, layer in enumerate(self.layers)}


def document_mask(input_ids: Tensor, bos_id: int) -> Tensor:
    """Return [B, 1, T, T], True where key and query share a document and the key is not later."""
    document = (input_ids == bos_id).cumsum(dim=1)
    same = document[:, :, None] == document[:, None, :]
    return torch.tril(same).unsqueeze(1)
