"""A data set from text that ships with CPython: tokenizer and shards in seconds, no download.

Documents are the help topics and the docstrings of the standard library, each on one line. The validation
split is chosen by digest, so a document is never in both splits. Does not promise equal shards on different
Python releases: their texts differ.
"""

from __future__ import annotations

import ast
import hashlib
import io
import os
import shutil
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path
from pydoc_data.topics import topics

import numpy as np
from numpy.typing import NDArray

from reference_impl.config import Config
from reference_impl.data.dataset import dataset_name, tokenizer_name
from reference_impl.data.shards import write_shard

MIN_CHARACTERS = 80
SHARD_TOKENS = 1 << 20
BOS_ID = 1
SKIPPED_FOLDERS = {"site-packages", "test", "tests", "idlelib", "lib2to3", "pydoc_data"}


def flatten(text: str) -> str:
    """Return the text on one line with single spaces, so that its bytes survive the tokenizer exactly."""
    return " ".join(text.split())


def read_documents() -> Iterator[str]:
    """Yield every help topic and every docstring of the standard library."""
    yield from (flatten(topics[name]) for name in sorted(topics))
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).rglob("*.py")):
        if SKIPPED_FOLDERS & set(path.parts):
            continue
        try:
            tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError, OSError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                yield flatten(ast.get_docstring(node) or "")


def choose_documents(most_characters: int) -> list[str]:
    """Return distinct documents, about so many characters of them, in an order that their text alone decides.

    Reading stops once there is enough: parsing the whole standard library takes seconds.
    """
    kept: set[str] = set()
    characters = 0
    for text in read_documents():
        if len(text) < MIN_CHARACTERS or not text.isprintable() or text in kept:
            continue
        kept.add(text)
        characters += len(text)
        if characters >= most_characters:
            break
    return sorted(kept, key=lambda text: hashlib.sha256(text.encode()).digest())


def train_tokenizer(documents: list[str], vocab_size: int) -> bytes:
    """Return a SentencePiece BPE model that keeps every byte."""
    import sentencepiece

    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(documents),
        model_writer=model,
        model_type="bpe",
        vocab_size=vocab_size,
        byte_fallback=True,
        normalization_rule_name="identity",
        character_coverage=0.9995,
        max_sentence_length=1 << 20,
        # More threads change the result of the training from run to run.
        num_threads=1,
        minloglevel=2,
    )
    return model.getvalue()


def encode_documents(model: bytes, documents: list[str]) -> NDArray[np.uint16]:
    """Return the tokens of all documents, each opened by BOS."""
    import sentencepiece

    tokenizer = sentencepiece.SentencePieceProcessor(model_proto=model)
    ids = [token for text in documents for token in (BOS_ID, *tokenizer.encode(text))]
    return np.asarray(ids, dtype="<u2")


def build_tiny(root: Path, config: Config) -> None:
    """Write tokenizer and shards under a data directory, unless they are there."""
    folder = root / "datasets" / dataset_name(config)
    if folder.is_dir():
        return
    documents = choose_documents(config.data.text_characters)
    validation: list[str] = []
    while documents and sum(map(len, validation)) < config.data.val_characters:
        validation.append(documents.pop())
    model = train_tokenizer(documents, config.model.vocab_size)
    tokenizer = root / "tokenizers" / tokenizer_name(config)
    tokenizer.parent.mkdir(parents=True, exist_ok=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        made = Path(scratch) / folder.name
        made.mkdir()
        train = encode_documents(model, documents)
        for index, start in enumerate(range(0, len(train), SHARD_TOKENS)):
            write_shard(made / f"fineweb_train_{index:06d}.bin", train[start : start + SHARD_TOKENS])
        write_shard(made / "fineweb_val_000000.bin", encode_documents(model, validation))
        _publish(made, folder, model, tokenizer)


def _publish(made: Path, folder: Path, model: bytes, tokenizer: Path) -> None:
    """Move the finished set into place; of two builders at once the first wins."""
    scratch = made.parent / "tokenizer"
    scratch.write_bytes(model)
    os.replace(scratch, tokenizer)
    try:
        made.rename(folder)
    except OSError:
        # Somebody else was first; both wrote the same bytes.
        shutil.rmtree(made, ignore_errors=True)
