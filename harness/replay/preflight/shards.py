"""Check the data: headers, token counts, digests, a whole validation split, no document in both splits.

Shards are the challenge's: 256 little-endian int32 (magic 20240520, version 1, token count), then uint16
tokens; every document begins with the token 1.
"""

from __future__ import annotations

import hashlib
import itertools
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from harness.replay.preflight.records import Found, Level

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from audits.challenge import Challenge

HEADER_BYTES: Final = 1024
MAGIC: Final = 20240520
VERSION: Final = 1
BOS: Final = 1
CHUNK_TOKENS: Final = 4 << 20
MIN_DOCUMENT: Final = 32
"""Shorter documents repeat by chance (one-line help texts, empty pages)."""
SPLIT_SHARE: Final = 0.0005
SPLIT_TOKENS: Final = 128
"""What cutting to whole sequences takes off a split, as a share or, of a tiny one, in tokens."""
MAX_SHARDS: Final = 20_000


@dataclass(frozen=True, slots=True)
class Shard:
    """One data file."""

    path: Path
    tokens: int
    """As the header says."""
    problem: str
    """What is wrong with it, else empty."""


def check_data(data: Path, challenge: Challenge, *, hash_all: bool = False) -> Iterator[Found]:
    """Yield what the shards under `data/datasets/*/` are like; one dataset folder after the other."""
    folders = sorted(path for path in (data / "datasets").glob("*") if path.is_dir())
    if not folders:
        yield Found("data", Level.BLOCKING, f"no dataset under {data / 'datasets'}")
    for folder in folders:
        yield from _dataset(folder, challenge, hash_all=hash_all)


def _dataset(folder: Path, challenge: Challenge, *, hash_all: bool) -> Iterator[Found]:
    """Yield what one dataset is like."""
    train = [read_header(path) for path in sorted(folder.glob("fineweb_train_*.bin"))[:MAX_SHARDS]]
    val = [read_header(path) for path in sorted(folder.glob("fineweb_val_*.bin"))[:MAX_SHARDS]]
    bad = [shard for shard in (*train, *val) if shard.problem]
    for shard in bad[:10]:
        yield Found("shard", Level.BLOCKING, f"{shard.path.name}: {shard.problem}")
    if not train or not val:
        missing = "training" if not train else "validation"
        yield Found("data", Level.BLOCKING, f"{folder.name} has no {missing} shard")
    if bad or not train or not val:
        return
    tokens = sum(shard.tokens for shard in train)
    yield Found("training data", Level.FINE, f"{folder.name}: {len(train)} shards, {tokens:,} tokens")
    yield _whole_validation(folder.name, val, challenge)
    yield _disjoint(folder.name, train, val)
    hashed = [*val, *(train if hash_all else ())]
    digest = hashlib.sha256("".join(digest_of(shard.path) for shard in hashed).encode()).hexdigest()
    what = "all shards" if hash_all else "the validation shards"
    yield Found("data digest", Level.FINE, f"{folder.name}: {what} {digest}")


def read_header(path: Path) -> Shard:
    """Return what a shard's header says and whether the file is as long as that."""
    import numpy as np

    with path.open("rb") as stream:
        raw = stream.read(HEADER_BYTES)
    if len(raw) < HEADER_BYTES:
        return Shard(path, 0, "shorter than its header")
    header = np.frombuffer(raw, dtype="<i4", count=3)
    magic, version, tokens = (int(value) for value in header)
    if (magic, version) != (MAGIC, VERSION):
        return Shard(path, 0, f"header {magic}, {version} instead of {MAGIC}, {VERSION}")
    size, expected = os.stat(path).st_size, HEADER_BYTES + 2 * tokens
    problem = "" if size == expected else f"{size:,} bytes where the header announces {expected:,}"
    return Shard(path, tokens, problem)


def _whole_validation(name: str, val: list[Shard], challenge: Challenge) -> Found:
    """Return whether the validation split is one that the challenge knows, in full."""
    tokens = sum(shard.tokens for shard in val)
    known = [
        c
        for c in challenge.byte_constants
        if abs(c.val_tokens - tokens) <= max(SPLIT_TOKENS, SPLIT_SHARE * c.val_tokens)
    ]
    if not known:
        return Found(
            "validation data", Level.DIFFERENT, f"{name}: {tokens:,} tokens, no split of the challenge"
        )
    entry = min(known, key=lambda c: abs(c.val_tokens - tokens))
    level = Level.FINE if entry.canonical else Level.DIFFERENT
    return Found("validation data", level, f"{name}: {tokens:,} tokens, {entry.name}, {len(val)} shard(s)")


def _disjoint(name: str, train: list[Shard], val: list[Shard]) -> Found:
    """Return whether a validation document is a training document too."""
    wanted = {digest for shard in val for digest in document_digests(shard.path)}
    both = sum(1 for shard in train for digest in document_digests(shard.path) if digest in wanted)
    if both:
        return Found(
            "overlap", Level.BLOCKING, f"{name}: {both:,} training documents are validation documents"
        )
    return Found(
        "overlap", Level.FINE, f"{name}: none of {len(wanted):,} validation documents is in training"
    )


def document_digests(path: Path) -> Iterator[bytes]:
    """Yield a digest a document of at least `MIN_DOCUMENT` tokens, in bounded memory.

    A document that goes on in the next shard is left out: its halves are in no other split either.
    """
    import numpy as np

    rest = np.empty(0, dtype="<u2")
    with path.open("rb") as stream:
        stream.seek(HEADER_BYTES)
        while raw := stream.read(2 * CHUNK_TOKENS):
            tokens = np.concatenate([rest, np.frombuffer(raw, dtype="<u2")])
            starts = np.flatnonzero(tokens == BOS)
            for begin, end in itertools.pairwise(starts):
                if end - begin >= MIN_DOCUMENT:
                    yield hashlib.blake2b(tokens[begin:end].tobytes(), digest_size=16).digest()
            rest = tokens[starts[-1] :] if len(starts) else tokens


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
