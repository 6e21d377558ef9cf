"""A record folder of ours that runs in seconds: it learns token pairs by counting and scores what it saved.

Real numbers from real shards, the same on every machine: training ends after a fixed number of steps, and a
step waits, so that clocks have something to measure. `folder` writes it, with parts of the script replaced to
make the tampered copies.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT: Final = """
import glob
import math
import os
import time

import numpy as np
import sentencepiece as spm

DATA_PATH = os.environ.get("DATA_PATH", "./data/datasets/cpu_tiny_sp1024")
TOKENIZER_PATH = os.environ.get("TOKENIZER_PATH", "./data/tokenizers/cpu_tiny_1024_bpe.model")
SEED = int(os.environ.get("SEED", 1337))
ITERATIONS = int(os.environ.get("ITERATIONS", 10))
STEP_SECONDS = float(os.environ.get("STEP_SECONDS", 0.1))
EVAL_ONLY = bool(int(os.environ.get("EVAL_ONLY", "0")))
MAX_WALLCLOCK_SECONDS = float(os.environ.get("MAX_WALLCLOCK_SECONDS", 20.0))
VOCAB = 1024


def load(pattern):
    parts = []
    for path in sorted(glob.glob(pattern)):
        count = int(np.fromfile(path, dtype="<i4", count=256)[2])
        parts.append(np.fromfile(path, dtype="<u2", offset=1024, count=count))
    return np.concatenate(parts).astype(np.int64)


def byte_table():
    sp = spm.SentencePieceProcessor(model_file=TOKENIZER_PATH)
    size, lead, edge = np.zeros(VOCAB), np.zeros(VOCAB, bool), np.zeros(VOCAB, bool)
    for i in range(VOCAB):
        if sp.is_control(i) or sp.is_unknown(i) or sp.is_unused(i):
            edge[i] = True
        elif sp.is_byte(i):
            size[i] = 1
        else:
            piece = sp.id_to_piece(i)
            lead[i] = piece.startswith("\\u2581")
            size[i] = len(piece[1 if lead[i] else 0 :].encode())
    return size, lead, edge


def evaluate(counts, tokens):
    x, y = tokens[:-1], tokens[1:]
    rows = counts + 0.1
    p = rows[x, y] / rows.sum(axis=1)[x]
    loss = float(-np.log(p).mean())
    size, lead, edge = byte_table()
    total = float((size[y] + (lead[y] & ~edge[x])).sum())
    return loss, loss / math.log(2.0) * len(y) / total


def main():
    tokens = load(DATA_PATH + "/fineweb_val_*.bin")
    tokens = tokens[: (len(tokens) - 1) // 128 * 128 + 1]
    print(f"val_loader:shards pattern=x tokens:{len(tokens) - 1}")
    print(f"seed:{SEED}", flush=True)
    if not EVAL_ONLY:
        learn()
    restored = np.load("final_model.npz")["counts"].astype(np.float64)
    t1 = time.perf_counter()
    loss, bpb = evaluate(restored, tokens)
    ms = 1000.0 * (time.perf_counter() - t1)
    print(f"final_exact val_loss:{loss:.8f} val_bpb:{bpb:.8f} eval_time:{ms:.0f}ms", flush=True)


def learn():
    train = load(DATA_PATH + "/fineweb_train_*.bin")
    counts = np.zeros((VOCAB, VOCAB), dtype=np.float64)
    rng = np.random.default_rng(SEED)
    t0 = time.perf_counter()
    for step in range(1, ITERATIONS + 1):
        at = int(rng.integers(0, len(train) - 20001))
        np.add.at(counts, (train[at : at + 20000], train[at + 1 : at + 20001]), 1.0)
        time.sleep(STEP_SECONDS)
        ms = 1000.0 * (time.perf_counter() - t0)
        print(f"step:{step}/{ITERATIONS} train_loss:{1.0 / step:.4f} train_time:{ms:.0f}ms", flush=True)
        if ms >= 1000.0 * MAX_WALLCLOCK_SECONDS:
            break
    print(f"stopping_early: wallclock_cap train_time:{ms:.0f}ms step:{step}/{ITERATIONS}", flush=True)
    np.savez_compressed("final_model.npz", counts=counts.astype(np.uint16))
    size = os.path.getsize("final_model.npz")
    code = len(open(__file__, encoding="utf-8").read().encode())
    print(f"Serialized model npz: {size} bytes")
    print(f"Code size: {code} bytes")
    print(f"Total submission size npz: {size + code} bytes", flush=True)


if __name__ == "__main__":
    main()
"""

README: Final = """# Counting pairs

```bash
DATA_PATH=./data/datasets/cpu_tiny_sp1024 SEED=1 python train_gpt.py
```
"""


def folder(root: Path, claims: dict[int, float], changes: tuple[tuple[str, str], ...] = ()) -> Path:
    """Write the record folder under `root`, with the script changed, and return its path."""
    made = root / "examples" / "records" / "track_cpu_tiny" / "2026-11-25_Counting"
    made.mkdir(parents=True)
    script = SCRIPT.lstrip()
    for old, new in changes:
        if script.count(old) != 1:
            raise ValueError(f"{old!r} stands in the script {script.count(old)} times")
        script = script.replace(old, new)
    (made / "train_gpt.py").write_text(script, encoding="utf-8")
    (made / "README.md").write_text(README, encoding="utf-8")
    claimed = {
        "name": "Counting pairs",
        "author": "referee",
        "track": "cpu_tiny",
        "val_bpb": sum(claims.values()) / len(claims),
        "seeds": list(claims),
        "seed_results": {str(seed): {"val_bpb": value} for seed, value in claims.items()},
    }
    (made / "submission.json").write_text(json.dumps(claimed, indent=2), encoding="utf-8")
    return made
