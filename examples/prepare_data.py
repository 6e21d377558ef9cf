"""Write the shards and the tokenizer of the `cpu_tiny` challenge.

Promises: the validation split and the tokenizer never change. They are frozen in `examples/data/`, so the
byte constant of the challenge holds on every machine. Training documents come from the running Python
(help topics and docstrings of the standard library); a document of the validation split never enters them.

Does not promise identical training shards on different Python releases: their texts differ.

    python examples/prepare_data.py            write shards to build/examples/data
    python examples/prepare_data.py --freeze   choose the validation split and train the tokenizer anew
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import io
import lzma
import sys
import sysconfig
from pathlib import Path
from pydoc_data.topics import topics
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import sentencepiece as spm

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLES = Path(__file__).resolve().parent
FROZEN_VALIDATION = EXAMPLES / "data" / "validation.txt.xz"
FROZEN_TOKENIZER = EXAMPLES / "data" / "cpu_tiny_1024_bpe.model"
BUILD = EXAMPLES.parent / "build" / "examples"
SHARD_MAGIC, SHARD_VERSION, HEADER_INTS = 20240520, 1, 256
BOS_ID, VOCAB_SIZE, SEQUENCE_LENGTH = 1, 1024, 128
MIN_CHARACTERS, VALIDATION_CHARACTERS, SHARD_TOKENS = 80, 140_000, 1 << 19


class Split(NamedTuple):
    """The sizes that a challenge file states about a validation split."""

    tokens: int
    """Tokens in the shards, BOS included."""
    scored_tokens: int
    """Targets that a trainer scores: a whole number of sequences."""
    scored_bytes: int
    """UTF-8 bytes of those targets."""


def flatten(text: str) -> str:
    """Return the text on one line with single spaces, so that its bytes survive the tokenizer exactly."""
    return " ".join(text.split())


def read_documents() -> Iterator[str]:
    """Yield every help topic and every docstring of the standard library."""
    yield from (flatten(topics[name]) for name in sorted(topics))
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).rglob("*.py")):
        if {"site-packages", "test", "tests", "idlelib", "lib2to3", "pydoc_data"} & set(path.parts):
            continue
        try:
            tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError, OSError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                yield flatten(ast.get_docstring(node) or "")


def order_documents() -> list[str]:
    """Return the distinct documents worth keeping, in an order that depends on their text alone."""
    kept = {text for text in read_documents() if len(text) >= MIN_CHARACTERS and text.isprintable()}
    return sorted(kept, key=lambda text: hashlib.sha256(text.encode()).digest())


def read_validation() -> list[str]:
    """Return the frozen validation documents."""
    return lzma.decompress(FROZEN_VALIDATION.read_bytes()).decode().splitlines()


def freeze() -> None:
    """Choose the validation split and train the tokenizer on the rest."""
    documents = order_documents()
    validation: list[str] = []
    while sum(map(len, validation)) < VALIDATION_CHARACTERS:
        validation.append(documents[len(validation)])
    model = io.BytesIO()
    spm.SentencePieceTrainer.train(
        sentence_iterator=iter(documents[len(validation) :]),
        model_writer=model,
        model_type="bpe",
        vocab_size=VOCAB_SIZE,
        byte_fallback=True,
        # Identity keeps every byte: the byte table then counts exactly what the documents hold.
        normalization_rule_name="identity",
        character_coverage=0.9995,
        max_sentence_length=1 << 20,
        num_threads=1,
        minloglevel=2,
    )
    FROZEN_TOKENIZER.parent.mkdir(parents=True, exist_ok=True)
    FROZEN_TOKENIZER.write_bytes(model.getvalue())
    FROZEN_VALIDATION.write_bytes(lzma.compress("\n".join(validation).encode(), preset=9))


def encode(tokenizer: spm.SentencePieceProcessor, documents: list[str]) -> np.ndarray:
    """Return the token ids of all documents, each opened by BOS."""
    ids = [token for text in documents for token in (BOS_ID, *tokenizer.encode(text))]
    return np.asarray(ids, dtype="<u2")


def write_shard(path: Path, tokens: np.ndarray) -> None:
    """Write one shard: 256 header integers, then 16-bit tokens."""
    header = np.zeros(HEADER_INTS, dtype="<i4")
    header[:3] = SHARD_MAGIC, SHARD_VERSION, len(tokens)
    path.write_bytes(header.tobytes() + tokens.astype("<u2").tobytes())


def measure(tokenizer: spm.SentencePieceProcessor, tokens: np.ndarray) -> Split:
    """Count the scored targets and their bytes by decoding, independently of any trainer's byte table."""
    scored = (len(tokens) - 1) // SEQUENCE_LENGTH * SEQUENCE_LENGTH
    documents: list[list[int]] = []
    for token in tokens[: scored + 1].tolist():
        if token == BOS_ID:
            documents.append([])
        else:
            documents[-1].append(token)
    return Split(len(tokens), scored, sum(len(tokenizer.decode(ids).encode()) for ids in documents))


def prepare(build: Path = BUILD) -> Split:
    """Write tokenizer, training shards and validation shard under `build`, and return the split's sizes."""
    tokenizers, dataset = build / "data" / "tokenizers", build / "data" / "datasets" / "cpu_tiny_sp1024"
    tokenizers.mkdir(parents=True, exist_ok=True)
    dataset.mkdir(parents=True, exist_ok=True)
    (tokenizers / FROZEN_TOKENIZER.name).write_bytes(FROZEN_TOKENIZER.read_bytes())
    tokenizer = spm.SentencePieceProcessor(model_proto=FROZEN_TOKENIZER.read_bytes())
    validation = read_validation()
    held_out = set(validation)
    train = encode(tokenizer, [text for text in order_documents() if text not in held_out])
    for index, start in enumerate(range(0, len(train), SHARD_TOKENS)):
        write_shard(dataset / f"fineweb_train_{index:06d}.bin", train[start : start + SHARD_TOKENS])
    tokens = encode(tokenizer, validation)
    write_shard(dataset / "fineweb_val_000000.bin", tokens)
    print(f"train_tokens:{len(train)}")
    return measure(tokenizer, tokens)


def main() -> None:
    """Write the data and print the constants that the challenge file states."""
    parser = argparse.ArgumentParser(description="Write the shards and the tokenizer of cpu_tiny.")
    parser.add_argument("--freeze", action="store_true", help="choose the validation split anew")
    if parser.parse_args().freeze:
        freeze()
    split = prepare()
    print(f"val_tokens:{split.tokens} scored_tokens:{split.scored_tokens} scored_bytes:{split.scored_bytes}")


if __name__ == "__main__":
    sys.exit(main())
