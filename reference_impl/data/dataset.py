"""Where the shards and the tokenizer of a run lie under a data directory, in the challenge's layout.

DIR/datasets/NAME/fineweb_{train,val}_NNNNNN.bin     DIR/tokenizers/NAME.model
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from reference_impl.config import Config
from reference_impl.data.shards import DataError


@dataclass(frozen=True, slots=True)
class Dataset:
    """Files of one tokenisation."""

    name: str
    """Folder of the shards."""
    train_files: list[Path]
    """Training shards in order."""
    val_files: list[Path]
    """Validation shards in order."""
    tokenizer_path: Path
    """SentencePiece model."""

    @property
    def tokenizer_sha256(self) -> str:
        """Digest of the tokenizer, in hexadecimal."""
        return hashlib.sha256(self.tokenizer_path.read_bytes()).hexdigest()


def dataset_name(config: Config) -> str:
    """Return the folder that a configuration reads."""
    if config.data.source != "tiny":
        return f"fineweb10B_{config.data.source}"
    return f"tiny_sp{config.model.vocab_size}_{config.data.text_characters // 1000}k"


def tokenizer_name(config: Config) -> str:
    """Return the file of the tokenizer."""
    if config.data.source != "tiny":
        return f"fineweb_{config.data.source.removeprefix('sp')}_bpe.model"
    return f"{dataset_name(config)}.model"


def open_dataset(root: Path, config: Config) -> Dataset:
    """Return the files of a data directory, or raise DataError that says what is missing."""
    folder = root / "datasets" / dataset_name(config)
    found = Dataset(
        folder.name,
        sorted(folder.glob("fineweb_train_*.bin")),
        sorted(folder.glob("fineweb_val_*.bin")),
        root / "tokenizers" / tokenizer_name(config),
    )
    if not found.val_files or not found.train_files:
        raise DataError(f"no shards in {folder}")
    if not found.tokenizer_path.is_file():
        raise DataError(f"no tokenizer at {found.tokenizer_path}")
    return found


def provide_dataset(root: Path, config: Config) -> Dataset:
    """Return the files of a run; the tiny set is made when missing, FineWeb is never fetched unasked."""
    if config.data.source == "tiny":
        from reference_impl.data.tiny import build_tiny

        build_tiny(root, config)
        return open_dataset(root, config)
    try:
        return open_dataset(root, config)
    except DataError as error:
        source = config.data.source
        raise DataError(f"{error}; `python -m reference_impl download {source} --data {root}`") from error
