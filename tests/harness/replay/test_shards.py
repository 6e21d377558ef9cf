"""The data check: headers, whole splits, documents in both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from audits.challenges import load_challenge
from harness.replay.preflight.records import Level
from harness.replay.preflight.shards import MAGIC, check_data, document_digests, read_header

if TYPE_CHECKING:
    from pathlib import Path

CHALLENGE = load_challenge("cpu_tiny")


def write(path: Path, tokens: np.ndarray, magic: int = MAGIC, announced: int | None = None) -> None:
    header = np.zeros(256, dtype="<i4")
    header[:3] = (magic, 1, len(tokens) if announced is None else announced)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(header.tobytes() + tokens.astype("<u2").tobytes())


def documents(count: int, seed: int, length: int = 60) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rows = rng.integers(2, 1024, (count, length))
    rows[:, 0] = 1
    return rows.reshape(-1)


def found(data: Path) -> dict[str, tuple[Level, str]]:
    return {entry.name: (entry.level, entry.detail) for entry in check_data(data, CHALLENGE)}


def test_whole_and_disjoint_data_is_fine(tmp_path: Path) -> None:
    folder = tmp_path / "datasets" / "tiny"
    write(folder / "fineweb_train_000000.bin", documents(50, 1))
    write(folder / "fineweb_val_000000.bin", np.concatenate([documents(876, 2), np.full(48, 7)]))
    entries = found(tmp_path)
    assert entries["overlap"][0] is Level.FINE
    assert entries["validation data"][0] is Level.FINE


def test_a_document_in_both_splits_is_blocking(tmp_path: Path) -> None:
    folder = tmp_path / "datasets" / "tiny"
    val = documents(20, 2)
    write(folder / "fineweb_val_000000.bin", val)
    write(
        folder / "fineweb_train_000000.bin", np.concatenate([documents(5, 1), val[120:180], documents(3, 3)])
    )
    level, detail = found(tmp_path)["overlap"]
    assert level is Level.BLOCKING
    assert "1 training documents" in detail


def test_a_part_of_the_split_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "datasets" / "tiny"
    write(folder / "fineweb_train_000000.bin", documents(5, 1))
    write(folder / "fineweb_val_000000.bin", documents(20, 2))
    assert found(tmp_path)["validation data"][0] is Level.DIFFERENT


@pytest.mark.parametrize(
    ("magic", "announced", "word"),
    [(1, None, "header 1"), (MAGIC, 999, "announces"), (MAGIC, 3, "announces")],
)
def test_a_broken_shard_is_blocking(tmp_path: Path, magic: int, announced: int | None, word: str) -> None:
    path = tmp_path / "datasets" / "tiny" / "fineweb_val_000000.bin"
    write(path, documents(2, 1), magic, announced)
    assert word in read_header(path).problem
    assert found(tmp_path)["shard"][0] is Level.BLOCKING


def test_no_data_is_blocking(tmp_path: Path) -> None:
    assert found(tmp_path)["data"][0] is Level.BLOCKING


def test_documents_are_the_same_wherever_chunks_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.bin"
    write(path, documents(40, 4))
    whole = list(document_digests(path))
    monkeypatch.setattr("harness.replay.preflight.shards.CHUNK_TOKENS", 37)
    assert list(document_digests(path)) == whole
    assert len(whole) == 39  # The last one may go on in the next shard.
