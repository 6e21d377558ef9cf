"""Entries and twins train, store and print a score; what validation has shaped shows in the stored bytes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs the cpu extra")
pytest.importorskip("sentencepiece", reason="needs the cpu extra")

import numpy as np  # noqa: E402

from reference_impl.data.shards import map_shard, write_shard  # noqa: E402
from tests.reference_impl.twins.entries import CONTEXT, HONEST, TWINS  # noqa: E402
from tests.reference_impl.twins.records import Entry, lay  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.xdist_group("reference-twins")]
PRESET = """\
[model]
vocab_size = 512
num_layers = 2
model_dim = 32
num_heads = 4
num_kv_heads = 2
max_seq_len = 64

[train]
iterations = 12
max_wallclock_seconds = 0.0
warmup_steps = 0
train_batch_tokens = 512
train_seq_len = 64
micro_batches = 1
val_batch_tokens = 1024
val_every = 0

[data]
text_characters = 200_000
val_characters = 8_000
"""
EVERY = (*HONEST, CONTEXT, *TWINS)
SEEN = {"PrequantTTT", "CalibratedOnVal"}
"""Twins whose artifact has seen validation tokens."""


def by_name(entry: Entry) -> str:
    """Return the name of an entry, for the list of tests."""
    return entry.name


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data directory with a preset, shards, a tokenizer, and a second validation split."""
    from reference_impl.config import load_config
    from reference_impl.data.dataset import provide_dataset

    root = tmp_path_factory.mktemp("twins")
    (root / "small.toml").write_text(PRESET)
    dataset = provide_dataset(root, load_config(str(root / "small.toml")))
    folder = dataset.val_files[0].parent
    other = root / "datasets" / "other"
    other.mkdir()
    for path in dataset.train_files:
        (other / path.name).write_bytes(path.read_bytes())
    tokens = np.array(map_shard(dataset.val_files[0]))
    write_shard(other / dataset.val_files[0].name, np.concatenate((tokens[2000:], tokens[:2000])))
    folder.rename(root / "datasets" / "shards")
    dataset.tokenizer_path.rename(root / "tokenizers" / "pieces.model")
    return root


def run(entry: Entry, data: Path, place: Path, shards: str = "shards") -> tuple[float, bytes]:
    """Run an entry; return the last exact val_bpb that it prints and its artifact."""
    folder = place / "laid" / "examples" / "records" / "track_cpu_tiny" / f"2026-12-01_{entry.name}"
    folder = folder if folder.exists() else lay(entry, place / "laid")
    environment = {
        **os.environ,
        "PRESET": str(data / "small.toml"),
        "DATA_PATH": str(data / "datasets" / shards),
        "TOKENIZER_PATH": str(data / "tokenizers" / "pieces.model"),
        "RUN_ID": str(place / shards),
        "PYTHONPATH": "",
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [sys.executable, "train_gpt.py"],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=170, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = re.findall(r"final_\w+_exact val_loss:\S+ val_bpb:(\S+)", done.stdout)
    return float(found[-1]), (place / shards / "model.rgolf").read_bytes()


@pytest.mark.parametrize("entry", EVERY, ids=by_name)
def test_an_entry_trains_and_prints_a_score(entry: Entry, data: Path, tmp_path: Path) -> None:
    val_bpb, artifact = run(entry, data, tmp_path)
    assert 0.5 < val_bpb < 8.0
    assert len(artifact) > 1000


@pytest.mark.parametrize("name", ["Plain", *sorted(SEEN)])
def test_only_twins_that_saw_validation_store_other_weights_for_another_split(
    name: str, data: Path, tmp_path: Path
) -> None:
    (entry,) = (item for item in EVERY if item.name == name)
    (_, first), (_, second) = run(entry, data, tmp_path), run(entry, data, tmp_path, "other")
    assert (first != second) == (name in SEEN)
