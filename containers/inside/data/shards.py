"""Token shards as the challenge writes them.

256 int32 of header, then uint16 tokens; byte sidecars likewise.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

MAGIC = 20240520
VERSION = 1
HEADER_INTS = 256
BOS = 1
"""Token that begins a document in the challenge's tokenizers."""


def write_shard(path: Path, tokens: Any) -> None:
    """Write tokens (or counts of bytes) as one shard."""
    header = np.zeros(HEADER_INTS, dtype="<i4")
    header[:3] = MAGIC, VERSION, len(tokens)
    path.write_bytes(header.tobytes() + np.asarray(tokens, dtype="<u2").tobytes())


def byte_counts(pieces: list[str], tokens: Any) -> Any:
    """Return how many bytes of text each token stands for: 0 for control tokens, 1 for byte tokens."""
    table = np.zeros(len(pieces), dtype=np.uint16)
    for index, piece in enumerate(pieces):
        if piece.startswith("<0x") and piece.endswith(">"):
            table[index] = 1
        elif not (piece.startswith("<") and piece.endswith(">")):
            table[index] = len(piece.replace("\u2581", " ").encode())
    return table[np.asarray(tokens, dtype=np.int64)]
