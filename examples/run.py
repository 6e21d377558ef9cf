"""Run the four example trainers and write their logs and claims.

Promises: every number in an example's submission.json and in its README table is read off the logs of the
runs, never typed. `--claims-only` rewrites the claims from the logs that are already there.

    python examples/run.py                     three seeds of all four, about eight minutes on one core
    python examples/run.py --only NgramCache   one of them
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parent
RECORDS = EXAMPLES / "records" / "track_cpu_tiny"
BUILD = EXAMPLES.parent / "build" / "examples"
SEEDS = (1337, 42, 2025)
TABLE_START, TABLE_END = "<!-- results: written by examples/run.py -->", "<!-- /results -->"
FINAL = re.compile(r"^final_int8_zlib_roundtrip_exact val_loss:([\d.]+) val_bpb:([\d.]+)$", re.MULTILINE)
TOTAL = re.compile(r"^Total submission size int8\+zlib: (\d+) bytes$", re.MULTILINE)
CODE = re.compile(r"^Code size: (\d+) bytes$", re.MULTILINE)
LAST = re.compile(r"^step:(\d+)/\d+ val_loss:\S+ val_bpb:\S+ train_time:(\d+)ms ", re.MULTILINE)
EVAL = re.compile(r"^\S+ val_loss:[\d.]+ val_bpb:[\d.]+ eval_time:(\d+)ms$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Run:
    """What one log says about one seed."""

    seed: int
    val_loss: float
    val_bpb: float
    artifact_bytes: int
    code_bytes: int
    steps: int
    train_milliseconds: int
    eval_milliseconds: int


def log_path(record: Path, seed: int) -> Path:
    """Return where the log of one seed lies in a record folder."""
    return record / f"train_seed{seed}.log"


def read_run(log: Path, seed: int) -> Run:
    """Read one log. The source dump at its head is skipped: it holds the format strings, not the results."""
    text = log.read_text(encoding="utf-8").split("=" * 100 + "\n", 1)[1]
    final, last = FINAL.findall(text)[-1], LAST.findall(text)[-1]
    return Run(
        seed=seed,
        val_loss=float(final[0]),
        val_bpb=float(final[1]),
        artifact_bytes=int(TOTAL.findall(text)[-1]),
        code_bytes=int(CODE.findall(text)[-1]),
        steps=int(last[0]),
        train_milliseconds=int(last[1]),
        eval_milliseconds=int(EVAL.findall(text)[-1]),
    )


def execute(record: Path, seed: int) -> None:
    """Run one trainer with one seed, and keep its own log."""
    name = f"{record.name.split('_', 1)[1]}_seed{seed}"
    own_log = BUILD / "logs" / f"{name}.txt"
    own_log.unlink(missing_ok=True)
    print(f"running {name}", flush=True)
    subprocess.run(
        [sys.executable, str(record / "train_gpt.py")],
        cwd=BUILD,
        env={**os.environ, "SEED": str(seed), "RUN_ID": name},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    shutil.copyfile(own_log, log_path(record, seed))


def claim(runs: list[Run]) -> dict[str, object]:
    """Return the measured part of submission.json."""
    return {
        "val_loss": round(statistics.mean(run.val_loss for run in runs), 8),
        "val_bpb": round(statistics.mean(run.val_bpb for run in runs), 8),
        "val_bpb_std": round(statistics.stdev(run.val_bpb for run in runs), 8),
        "bytes_total": max(run.artifact_bytes for run in runs),
        "bytes_code": runs[0].code_bytes,
        "seeds": [run.seed for run in runs],
        "seed_results": {
            str(run.seed): {
                "val_loss": run.val_loss,
                "val_bpb": run.val_bpb,
                "artifact_bytes": run.artifact_bytes,
                "steps": run.steps,
            }
            for run in runs
        },
    }


def render_table(runs: list[Run], claimed: dict[str, object]) -> str:
    """Return the README's table of results."""
    rows = [
        f"| {run.seed} | {run.steps} | {run.val_loss:.8f} | {run.val_bpb:.8f} | {run.artifact_bytes} "
        f"| {run.train_milliseconds / 1000:.3f} | {run.eval_milliseconds / 1000:.3f} |"
        for run in runs
    ]
    return "\n".join(
        [
            "| seed | steps | val_loss | val_bpb | artifact bytes | train s | eval s |",
            "| --- | --- | --- | --- | --- | --- | --- |",
            *rows,
            f"\nMean of {len(runs)} seeds: val_bpb {claimed['val_bpb']:.8f} "
            f"(std {claimed['val_bpb_std']:.8f}), val_loss {claimed['val_loss']:.8f}.",
        ]
    )


def write_claims(record: Path) -> None:
    """Rewrite submission.json and the README's table from the logs of a record folder."""
    runs = [read_run(log_path(record, seed), seed) for seed in SEEDS]
    claimed = claim(runs)
    submission = record / "submission.json"
    described = json.loads(submission.read_text(encoding="utf-8"))
    submission.write_text(json.dumps({**described, **claimed}, indent=2) + "\n", encoding="utf-8")
    readme = record / "README.md"
    head, rest = readme.read_text(encoding="utf-8").split(TABLE_START)
    tail = rest.split(TABLE_END)[1]
    table = render_table(runs, claimed)
    readme.write_text(f"{head}{TABLE_START}\n{table}\n{TABLE_END}{tail}", encoding="utf-8")
    print(f"{record.name}: val_bpb {claimed['val_bpb']:.4f} bytes {claimed['bytes_total']}", flush=True)


def main() -> None:
    """Prepare the data once, run what was asked for, write the claims."""
    parser = argparse.ArgumentParser(description="Run the example trainers and write their claims.")
    parser.add_argument("--only", metavar="NAME", default="", help="part of a record folder's name")
    parser.add_argument("--claims-only", action="store_true", help="run nothing, read the logs again")
    options = parser.parse_args()
    records = [path for path in sorted(RECORDS.iterdir()) if path.is_dir() and options.only in path.name]
    if not options.claims_only:
        subprocess.run([sys.executable, str(EXAMPLES / "prepare_data.py")], check=True)
    for record in records:
        for seed in SEEDS if not options.claims_only else ():
            execute(record, seed)
        write_claims(record)


if __name__ == "__main__":
    main()
