"""Our trainer against the challenge's own script: same shapes, same data, same seed, one core, in one run.

`make bench-reference MIRROR=DIR` takes `train_gpt.py` from the main branch of a mirror and runs it under the
shim of the smoke test in a locked container, turn and turn about with the reference. Nothing of it is kept.
Times are of the processor, the best round of each side counts; what a GPU would say is another question.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import pygit2

from reference_impl.config import config_from_dict
from reference_impl.data.dataset import Dataset, provide_dataset

ROOT = Path(__file__).resolve().parents[2]
TRAIN_GOAL, EVAL_GOAL, LOSS_GOAL = 1.0, 1.2, 0.01


@dataclass(frozen=True, slots=True)
class Shape:
    """What both trainers are given."""

    layers: int
    dim: int
    seq_len: int
    micro_tokens: int
    """Tokens of one of the eight micro-batches of a step."""
    steps: int


SHAPES = {
    "smallest": Shape(layers=2, dim=64, seq_len=64, micro_tokens=64, steps=4),
    "small": Shape(layers=9, dim=256, seq_len=256, micro_tokens=512, steps=10),
    "baseline": Shape(layers=9, dim=512, seq_len=1024, micro_tokens=1024, steps=4),
}
"""`baseline` is the challenge's model; `small` trains long enough for losses to be compared,
`smallest` shows that the box works."""
MICRO_BATCHES = 8
VOCAB = 1024


def main() -> int:
    """Measure and print the ratios; leave with 1 where a goal is missed."""
    parser = argparse.ArgumentParser(prog="make bench-reference", description=__doc__)
    parser.add_argument("--mirror", required=True, type=Path)
    parser.add_argument("--shape", choices=sorted(SHAPES), default="small")
    parser.add_argument("--precision", choices=["bf16", "fp32"], default="bf16", help="of the reference")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--steps", type=int, help="of training, where not those of the shape")
    parser.add_argument("--image", help="default: built by containers.image")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder, shape = Path(place), SHAPES[options.shape]
        shape = replace(shape, steps=options.steps or shape.steps)
        tokens = lay(folder, options, shape)
        rounds = run_box(folder, options.image or find_image())
    for entry in rounds:
        if "error" in entry:
            print(f"{entry['side']} failed:\n{entry['error']}", file=sys.stderr)
            return 2
    return report(rounds, shape, tokens, options)


def lay(folder: Path, options: argparse.Namespace, shape: Shape) -> int:
    """Write scripts, data and job for the box; return the validation tokens that are scored."""
    repository = pygit2.Repository(str(options.mirror))
    blob = repository.revparse_single("main:train_gpt.py")
    (folder / "baseline.py").write_bytes(blob.read_raw())
    shutil.copyfile(Path(__file__).with_name("bench_inside.py"), folder / "bench_inside.py")
    shutil.copytree(
        ROOT / "reference_impl", folder / "reference_impl", ignore=shutil.ignore_patterns("__pycache__")
    )
    (folder / "bench.toml").write_text(preset(shape, options.precision))
    dataset = make_data(folder / "made")
    job = {"rounds": options.rounds, "environment": environment(shape, dataset, folder)}
    (folder / "job.json").write_text(json.dumps(job))
    subprocess.run(["chmod", "-R", "a+rX", str(folder)], check=True)
    inputs = sum((path.stat().st_size - 1024) // 2 for path in dataset.val_files) - 1
    return inputs // shape.seq_len * shape.seq_len


def make_data(root: Path) -> Dataset:
    """Return shards and a tokenizer of the baseline's size, made of text that ships with CPython."""
    data = {"text_characters": 3_000_000, "val_characters": 30_000}
    return provide_dataset(root, config_from_dict({"model": {"vocab_size": VOCAB}, "data": data}))


def preset(shape: Shape, precision: str) -> str:
    """Return the reference's configuration: the baseline's defaults, at the shape."""
    return f"""
[model]
vocab_size = {VOCAB}
num_layers = {shape.layers}
model_dim = {shape.dim}
max_seq_len = {shape.seq_len}

[train]
iterations = {shape.steps}
max_wallclock_seconds = 0.0
warmup_steps = 1
train_batch_tokens = {MICRO_BATCHES * shape.micro_tokens}
train_seq_len = {shape.seq_len}
micro_batches = {MICRO_BATCHES}
val_batch_tokens = {8 * shape.micro_tokens}
val_every = 0
log_every = 1
device = "cpu"
precision = "{precision}"
compile = "off"

[optim]
warmdown_steps = 0
"""


def environment(shape: Shape, dataset: Dataset, folder: Path) -> dict[str, str]:
    """Return the baseline's variables; the reference reads its paths from two of them."""
    inside = Path("/submission")
    return {
        "DATA_PATH": str(inside / dataset.train_files[0].parent.relative_to(folder)),
        "TOKENIZER_PATH": str(inside / dataset.tokenizer_path.relative_to(folder)),
        "RUN_ID": "bench",
        "SEED": "1337",
        "VOCAB_SIZE": str(VOCAB),
        "NUM_LAYERS": str(shape.layers),
        "MODEL_DIM": str(shape.dim),
        "TRAIN_SEQ_LEN": str(shape.seq_len),
        "TRAIN_BATCH_TOKENS": str(MICRO_BATCHES * shape.micro_tokens),
        "VAL_BATCH_SIZE": str(MICRO_BATCHES * 8 * shape.micro_tokens),
        "ITERATIONS": str(shape.steps),
        "WARMDOWN_ITERS": "0",
        "WARMUP_STEPS": "1",
        "VAL_LOSS_EVERY": "0",
        "TRAIN_LOG_EVERY": "1",
        "MAX_WALLCLOCK_SECONDS": "0",
        "PYTHONPATH": "/opt/inside",
    }


def find_image() -> str:
    """Return the tag of the smoke image, built if need be."""
    command = [sys.executable, "-m", "containers.image", "--quiet"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1]


def run_box(folder: Path, image: str) -> list[dict]:
    """Run all rounds in one locked container and return what each found."""
    # A folder, since `docker run` may lose the last lines that a box prints before it goes.
    results = folder / "results"
    results.mkdir()
    results.chmod(0o777)
    command = [
        "docker", "run", "--rm", "--network", "none", "--read-only", "--cap-drop", "ALL",
        "--security-opt", "no-new-privileges", "--user", "10002:10002", "--pids-limit", "128",
        "--memory", "6g", "--cpus", "1", "--tmpfs", "/scratch:rw,exec,size=512m,mode=1777",
        "--tmpfs", "/tmp:rw,size=256m,mode=1777", "-v", f"{folder}:/submission:ro",
        "-v", f"{results}:/results",
        "--entrypoint", "/opt/referee/bin/python", image, "/submission/bench_inside.py",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"the box failed: {done.stderr[-2000:]}")
    return [json.loads(line) for line in (results / "rounds.jsonl").read_text().splitlines()]


def report(rounds: list[dict], shape: Shape, scored: int, options: argparse.Namespace) -> int:
    """Print both sides and the ratios; return 1 where a goal is missed."""
    best: dict[str, dict[str, float]] = {}
    trained = shape.steps * MICRO_BATCHES * shape.micro_tokens
    for side in ("baseline", "reference"):
        own = [entry for entry in rounds if entry["side"] == side]
        best[side] = {
            "train": trained / min(entry["train_ms"] for entry in own) * 1000.0,
            "eval": scored / min(entry["eval_ms"] for entry in own) * 1000.0,
            "train_loss": own[0]["train_losses"][-1],
            "val_loss": own[0]["val_loss"],
        }
        print(
            f"{side:>9}: {best[side]['train']:8.1f} tokens/s trained, {best[side]['eval']:8.1f} scored, "
            f"train_loss {best[side]['train_loss']:.4f}, val_loss {best[side]['val_loss']:.4f} "
            f"after {shape.steps} steps"
        )
    ours, theirs = best["reference"], best["baseline"]
    train, score = ours["train"] / theirs["train"], ours["eval"] / theirs["eval"]
    loss = max(abs(ours[name] / theirs[name] - 1.0) for name in ("train_loss", "val_loss"))
    print(
        f"shape {options.shape}, {options.precision}, {options.rounds} rounds, one core's processor time: "
        f"training {train:.2f}x (goal {TRAIN_GOAL}), evaluation {score:.2f}x (goal {EVAL_GOAL}), "
        f"loss within {100.0 * loss:.2f} % (goal {100.0 * LOSS_GOAL:.0f} %)"
    )
    return int(train < TRAIN_GOAL or score < EVAL_GOAL or loss > LOSS_GOAL)


if __name__ == "__main__":
    sys.exit(main())
