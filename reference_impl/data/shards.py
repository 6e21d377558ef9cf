"""The challenge's shard format: 256 little-endian int32 of header, then 16-bit tokens.

Promises that a file with the wrong magic, version or length is refused. Shards are mapped, not read:
FineWeb's hold a hundred million tokens each.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

SHARD_MAGIC, SHARD_VERSION, HEADER_INTS = 20240520, 1, 256


class DataError(ValueError):
    """A shard, a tokenizer or a data directory that cannot be used; the message is for the user."""


def write_shard(path: Path, tokens: NDArray[np.uint16]) -> None:
    """Write one shard of [N] tokens."""
    header = np.zeros(HEADER_INTS, dtype="<i4")
    header[:3] = SHARD_MAGIC, SHARD_VERSION, len(tokens)
    path.write_bytes(header.tobytes() + tokens.astype("<u2").tobytes())


def map_shard(path: Path) -> NDArray[np.uint16]:
    """Return the [N] tokens of one shard as a read-only map."""
    header = np.fromfile(path, dtype="<i4", count=HEADER_INTS)
    if header.size != HEADER_INTS or header[0] != SHARD_MAGIC or header[1] != SHARD_VERSION:
        raise DataError(f"{path} is not a token shard")
    count = int(header[2])
    if path.stat().st_size != 4 * HEADER_INTS + 2 * count:
        raise DataError(f"{path} does not hold the {count} tokens that its header states")
    if count == 0:
        return np.zeros(0, dtype="<u2")
    return np.memmap(path, dtype="<u2", mode="r", offset=4 * HEADER_INTS, shape=(count,))


def read_tokens(paths: list[Path]) -> Tensor:
    """Return all tokens of the shards in order, int64 [N]."""
    return torch.cat([torch.from_numpy(map_shard(path).astype(np.int64)) for path in paths])
