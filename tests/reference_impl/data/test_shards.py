"""Shards, the loader's order, and the tiny data set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the cpu extra")

from reference_impl.data import tiny  # noqa: E402
from reference_impl.data.dataset import open_dataset, provide_dataset  # noqa: E402
from reference_impl.data.download import plan_download  # noqa: E402
from reference_impl.data.loader import BatchLoader, TokenStream  # noqa: E402
from reference_impl.data.shards import DataError, map_shard, read_tokens, write_shard  # noqa: E402
from tests.reference_impl.small import make_config  # noqa: E402

pytestmark = pytest.mark.torch

CPU = torch.device("cpu")


def shards(folder: Path, *sizes: int) -> list[Path]:
    paths, first = [], 0
    for number, size in enumerate(sizes):
        paths.append(folder / f"{number}.bin")
        write_shard(paths[-1], np.arange(first, first + size, dtype=np.uint16))
        first += size
    return paths


def test_shards_come_back_as_written(tmp_path: Path) -> None:
    paths = shards(tmp_path, 5, 0, 7)
    assert read_tokens(paths).tolist() == list(range(12))
    assert paths[0].stat().st_size == 256 * 4 + 5 * 2


@pytest.mark.parametrize("damage", [b"", b"x" * 2000, None])
def test_what_is_no_shard_is_refused(tmp_path: Path, damage: bytes | None) -> None:
    (path,) = shards(tmp_path, 5)
    path.write_bytes(path.read_bytes() + b"\0" if damage is None else damage)
    with pytest.raises(DataError):
        map_shard(path)


def test_the_stream_crosses_shards_and_wraps(tmp_path: Path) -> None:
    stream = TokenStream(shards(tmp_path, 5, 3))
    assert stream.take(7).tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert stream.take(4).tolist() == [7, 0, 1, 2]


def test_targets_are_inputs_shifted_by_one(tmp_path: Path) -> None:
    x, y = BatchLoader(shards(tmp_path, 50), 0, 1, CPU).next_batch(8, 4)
    assert x.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert y.tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]


def test_ranks_together_read_what_one_process_reads(tmp_path: Path) -> None:
    paths = shards(tmp_path, 40, 60)
    alone = BatchLoader(paths, 0, 1, CPU)
    one = [alone.next_batch(8, 4)[0].tolist() for _ in range(4)]
    ranks = [BatchLoader(paths, rank, 2, CPU) for rank in range(2)]
    two = [loader.next_batch(8, 4)[0].tolist() for _ in range(2) for loader in ranks]
    assert one == two


def test_the_tiny_set_splits_documents_and_loses_no_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [
        f"Document {n} says naïve things about {'words ' * (n % 9 + 8)}and {n * 37}." for n in range(120)
    ]
    monkeypatch.setattr(tiny, "read_documents", lambda: iter(texts))
    config = make_config({"vocab_size": 400}, data={"val_characters": 1500})
    dataset = provide_dataset(tmp_path, config)
    assert dataset == open_dataset(tmp_path, config)
    import sentencepiece

    pieces = sentencepiece.SentencePieceProcessor(model_file=str(dataset.tokenizer_path))
    decoded = {}
    for split, files in (("train", dataset.train_files), ("val", dataset.val_files)):
        documents: list[list[int]] = []
        for token in read_tokens(files).tolist():
            if token == tiny.BOS_ID:
                documents.append([])
            else:
                documents[-1].append(token)
        decoded[split] = [pieces.decode(ids) for ids in documents]
    assert not set(decoded["train"]) & set(decoded["val"])
    assert sorted(decoded["train"] + decoded["val"]) == sorted(texts)
    assert sum(map(len, decoded["val"])) >= 1500


def test_the_tiny_set_is_the_same_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"Some document about number {n}, {'and more ' * (n % 5 + 8)}indeed." for n in range(80)]
    monkeypatch.setattr(tiny, "read_documents", lambda: iter(texts))
    config = make_config({"vocab_size": 350}, data={"val_characters": 500})
    first, second = (provide_dataset(tmp_path / name, config) for name in ("a", "b"))
    assert first.tokenizer_sha256 == second.tokenizer_sha256
    assert torch.equal(read_tokens(first.train_files), read_tokens(second.train_files))


def test_missing_fineweb_says_how_to_get_it(tmp_path: Path) -> None:
    config = make_config({"vocab_size": 1024}, data={"source": "sp1024"})
    with pytest.raises(DataError, match=r"no shards in .*fineweb10B_sp1024.* download sp1024"):
        provide_dataset(tmp_path, config)


def test_a_download_takes_all_of_validation_and_the_first_training_shards() -> None:
    manifest = {
        "datasets": [
            {
                "name": "fineweb10B_sp1024",
                "tokenizer_name": "sp_bpe_1024",
                "stats": {"files_train": 3, "files_val": 1},
            }
        ],
        "tokenizers": [{"name": "sp_bpe_1024", "model_path": "tokenizers/fineweb_1024_bpe.model"}],
    }
    folder = "datasets/datasets/fineweb10B_sp1024"
    assert plan_download(manifest, "sp1024", 2) == [
        f"{folder}/fineweb_val_000000.bin",
        f"{folder}/fineweb_train_000000.bin",
        f"{folder}/fineweb_train_000001.bin",
        "datasets/tokenizers/fineweb_1024_bpe.model",
    ]
    with pytest.raises(DataError, match="has 3 training shards"):
        plan_download(manifest, "sp1024", 4)
    with pytest.raises(DataError, match="no fineweb10B_sp8192"):
        plan_download(manifest, "sp8192", 1)
