"""Training batches: one stream over all shards, cut into one disjoint span for each rank.

Promises the challenge's own order: the same tokens are consumed at step n whatever the world size, as long as
ranks times micro-batches stays the same. The stream wraps around for ever.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reference_impl.data.shards import DataError, map_shard


class TokenStream:
    """Shards in order, for ever."""

    def __init__(self, files: list[Path]) -> None:
        if not files:
            raise DataError("there are no training shards")
        self.files = files
        self.index = 0
        self.position = 0
        self.tokens = map_shard(files[0])

    def take(self, count: int) -> NDArray[np.int64]:
        """Return the next `count` tokens."""
        parts: list[NDArray[np.uint16]] = []
        while count > 0:
            if self.position >= len(self.tokens):
                self._next_file()
                continue
            part = self.tokens[self.position : self.position + count]
            self.position += len(part)
            count -= len(part)
            parts.append(part)
        return np.concatenate(parts).astype(np.int64)

    def _next_file(self) -> None:
        self.index = (self.index + 1) % len(self.files)
        self.tokens, self.position = map_shard(self.files[self.index]), 0


class BatchLoader:
    """The share of one rank in every micro-batch."""

    def __init__(self, files: list[Path], rank: int, world_size: int, device: torch.device) -> None:
        self.stream = TokenStream(files)
        self.rank, self.world_size, self.device = rank, world_size, device

    def next_batch(self, rank_tokens: int, seq_len: int) -> tuple[Tensor, Tensor]:
        """Return inputs and targets, int64 [rank_tokens / seq_len, seq_len], shifted by one token."""
        # One more than the inputs: the target of the last position.
        span = rank_tokens + 1
        chunk = self.stream.take(span * self.world_size)
        local = torch.from_numpy(chunk[self.rank * span : (self.rank + 1) * span])
        if self.device.type == "cuda":
            local = local.pin_memory()
        local = local.to(self.device, non_blocking=True)
        return local[:-1].view(-1, seq_len), local[1:].view(-1, seq_len)
