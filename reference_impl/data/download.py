"""Fetch the challenge's published FineWeb shards and tokenizers from the Hugging Face hub.

Promises the full validation split, the first `train_shards` training shards, and files in the challenge's own
layout. Does not check their content: the hub's client verifies what it downloads.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from reference_impl.data.shards import DataError

# The names by which the challenge's own downloader can be pointed elsewhere.
REPOSITORY = os.environ.get("MATCHED_FINEWEB_REPO_ID", "willdepueoai/parameter-golf")
REMOTE_ROOT = os.environ.get("MATCHED_FINEWEB_REMOTE_ROOT_PREFIX", "datasets")


def fetch_file(remote: str, root: Path) -> Path:
    """Download one file of the data set to its place under `root`, unless it is there."""
    from huggingface_hub import hf_hub_download

    place = root / remote.removeprefix(f"{REMOTE_ROOT}/")
    if not place.exists():
        cached = hf_hub_download(repo_id=REPOSITORY, filename=remote, repo_type="dataset")
        place.parent.mkdir(parents=True, exist_ok=True)
        # The cache holds links to blobs; a data directory must survive the cache.
        shutil.copyfile(Path(cached).resolve(), place)
    return place


def find_entry(entries: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """Return the manifest's entry of that name."""
    for entry in entries:
        if entry.get("name") == name:
            return entry
    raise DataError(f"the data set's manifest has no {name}")


def plan_download(manifest: dict[str, Any], source: str, train_shards: int) -> list[str]:
    """Return the remote paths that a tokenisation needs."""
    dataset = find_entry(manifest.get("datasets", []), f"fineweb10B_{source}")
    stats = dataset.get("stats") or {}
    have = int(stats.get("files_train", 0))
    if train_shards > have:
        raise DataError(f"{source} has {have} training shards, not {train_shards}")
    tokenizer = find_entry(manifest.get("tokenizers", []), str(dataset.get("tokenizer_name")))
    folder = f"{REMOTE_ROOT}/datasets/{dataset['name']}"
    paths = [f"{folder}/fineweb_val_{i:06d}.bin" for i in range(int(stats.get("files_val", 0)))]
    paths += [f"{folder}/fineweb_train_{i:06d}.bin" for i in range(train_shards)]
    models = [tokenizer[key] for key in ("model_path", "path") if tokenizer.get(key)]
    return [*paths, *(f"{REMOTE_ROOT}/{str(model).removeprefix(f'{REMOTE_ROOT}/')}" for model in models)]


def download(source: str, root: Path, train_shards: int) -> int:
    """Fetch everything a tokenisation needs and return the number of files."""
    manifest_path = fetch_file(f"{REMOTE_ROOT}/manifest.json", root)
    paths = plan_download(json.loads(manifest_path.read_text(encoding="utf-8")), source, train_shards)
    for path in paths:
        fetch_file(path, root)
    return len(paths)
