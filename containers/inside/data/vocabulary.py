"""Build what belongs to one vocabulary.

A SentencePiece BPE model of that size, train and validation shards.

`python -m referee_inside.data.vocabulary FOLDER SIZE...` does it when the image is built; other sizes are
made when a script asks for them.
"""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

from .prose import documents
from .shards import BOS, byte_counts, write_shard

SIZES = (256, 512, 1024, 2048, 4096, 8192, 16384)
"""Sizes that the image holds."""
TRAIN_SHARDS = 8
FIRST_TOKENS = 100_000
"""Tokens of the first train shard, which some scripts take all they need from."""
OTHER_TOKENS = 20_000
"""Tokens of each further one."""
VAL_TOKENS = 2_561
TRAINING_CHARACTERS = 1_500_000
"""Characters that a tokenizer of up to 4,096 pieces is trained on; larger ones take all there is."""


def build(folder: Path, size: int) -> Path:
    """Write the files of a vocabulary into `folder` and return the folder of that vocabulary."""
    home = folder / str(size)
    home.mkdir(parents=True, exist_ok=True)
    texts = documents()
    model = train(texts, size)
    (home / "tokenizer.model").write_bytes(model)
    total = VAL_TOKENS + FIRST_TOKENS + (TRAIN_SHARDS - 1) * OTHER_TOKENS
    tokens, processor = tokenize(model, texts, total)
    val, train_tokens = tokens[:VAL_TOKENS], tokens[VAL_TOKENS:]
    write_shard(home / "val.bin", val)
    cuts = [FIRST_TOKENS + index * OTHER_TOKENS for index in range(TRAIN_SHARDS - 1)]
    for index, shard in enumerate(np.split(train_tokens, cuts)):
        write_shard(home / f"train{index}.bin", shard)
    pieces = [processor.id_to_piece(index) for index in range(processor.vocab_size())]
    write_shard(home / "val_bytes.bin", byte_counts(pieces, val))
    (home / "tokenizer.vocab").write_text(
        "".join(f"{piece}\t{-i}\n" for i, piece in enumerate(pieces)), "utf-8"
    )
    return home


def train(texts: list[str], size: int) -> bytes:
    """Return a SentencePiece BPE model with exactly `size` pieces, bytes among them where they fit."""
    import sentencepiece

    enough = TRAINING_CHARACTERS if size <= 4096 else sum(map(len, texts))
    chosen, total = [], 0
    for text in texts:
        chosen.append(text)
        total += len(text)
        if total >= enough:
            break
    made = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(chosen),
        model_writer=made,
        vocab_size=size,
        model_type="bpe",
        byte_fallback=size >= 512,
        character_coverage=0.999 if size >= 512 else 0.98,
        split_digits=True,
        add_dummy_prefix=False,
        normalization_rule_name="identity",
        pad_id=0,
        bos_id=BOS,
        eos_id=2,
        unk_id=3,
        num_threads=1,
        max_sentence_length=8192,
        minloglevel=2,
    )
    return made.getvalue()


def tokenize(model: bytes, texts: list[str], wanted: int) -> tuple[Any, Any]:
    """Return about `wanted` tokens of documents, each begun by BOS, and the tokenizer."""
    import sentencepiece

    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    tokens: list[int] = []
    for text in texts:
        tokens.append(BOS)
        tokens += processor.encode(text)
        if len(tokens) >= wanted:
            break
    while len(tokens) < wanted:
        tokens += tokens[: wanted - len(tokens)]
    return np.asarray(tokens[:wanted], dtype=np.uint16), processor


def _kept(size: int) -> Path:
    return Path(os.environ.get("REFEREE_DATA", "/opt/data")) / str(size)


def is_at_hand(size: int) -> bool:
    """Return whether the image holds a vocabulary of that size."""
    return (_kept(size) / "tokenizer.vocab").exists()


def home_of(size: int) -> Path:
    """Return the folder of a vocabulary, made in the scratch where the image has none of that size."""
    if is_at_hand(size):
        return _kept(size)
    made = Path(os.environ.get("REFEREE_SCRATCH", ".")).absolute() / ".referee-data"
    return made / str(size) if (made / str(size) / "tokenizer.vocab").exists() else build(made, size)


if __name__ == "__main__":
    for text in sys.argv[2:] or map(str, SIZES):
        build(Path(sys.argv[1]), int(text))
