"""Inside the box: run the trainers in turn, each in a process of its own, and print what each log says.

Clocks count processor time: `time.perf_counter` is `time.process_time` before anything of a trainer is
imported, so that a busy machine slows neither. One thread. Nothing but the logs is read.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
RESULTS = Path("/results")
SCRATCH = Path(os.environ.get("BENCH_SCRATCH", "/scratch"))


def main(arguments: list[str]) -> None:
    """Run what the first argument names; without one, all rounds."""
    job = json.loads((HERE / "job.json").read_text())
    if not arguments:
        for number in range(job["rounds"]):
            # Whoever comes second in one round comes first in the next.
            for side in ("baseline", "reference")[:: 1 if number % 2 == 0 else -1]:
                found = measure(side, job)
                with (RESULTS / "rounds.jsonl").open("a") as results:
                    print(json.dumps({"side": side, "round": number, **found}), file=results)
                if "error" in found:
                    return
        return
    time.perf_counter = time.process_time
    {"baseline": baseline, "reference": reference}[arguments[0]](job)


def measure(side: str, job: dict) -> dict:
    """Run one trainer and return what its log says."""
    folder = SCRATCH / side
    folder.mkdir(exist_ok=True)
    environment = {**os.environ, **job["environment"], "OMP_NUM_THREADS": "1", "HOME": str(folder)}
    done = subprocess.run(
        [sys.executable, str(HERE / "bench_inside.py"), side],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        return {"error": (done.stdout[-1500:] + done.stderr[-3000:])}
    return figures(done.stdout)


def figures(log: str) -> dict:
    """Return milliseconds of processor time and losses in nats of a log in the challenge's format."""
    steps = re.findall(r"step:(\d+)/\d+ train_loss:(\S+) train_time:(\d+)ms", log)
    evaluated = re.findall(r"final_\w+ val_loss:\S+ val_bpb:\S+ eval_time:(\d+)ms", log)
    exact = re.findall(r"final_\w+_exact val_loss:(\S+) val_bpb:(\S+)", log)
    return {
        "steps": int(steps[-1][0]),
        "train_ms": int(steps[-1][2]),
        "train_losses": [float(loss) for _, loss, _ in steps],
        "eval_ms": int(evaluated[-1]),
        "val_loss": float(exact[-1][0]),
        "val_bpb": float(exact[-1][1]),
    }


def baseline(job: dict) -> None:
    """Run the challenge's script under the shim of the smoke test."""
    import runpy

    from referee_inside.shim import commands, install

    commands.write(str(SCRATCH / "bin"))
    install.install()
    runpy.run_path(str(HERE / "baseline.py"), run_name="__main__")


def reference(job: dict) -> None:
    """Run the reference with the same shapes."""
    import torch

    torch.set_num_threads(1)
    sys.path.insert(0, str(HERE))
    from reference_impl.config import load_config
    from reference_impl.data.dataset import Dataset
    from reference_impl.train.run import run_training

    config = load_config(str(HERE / "bench.toml"))
    folder = Path(os.environ["DATA_PATH"])
    shards = [sorted(folder.glob(f"fineweb_{split}_*.bin")) for split in ("train", "val")]
    dataset = Dataset(folder.name, shards[0], shards[1], Path(os.environ["TOKENIZER_PATH"]))
    # The baseline's products are bfloat16 throughout; so are ours, in validation too.
    with torch.autocast("cpu", torch.bfloat16, enabled=config.train.precision == "bf16"):
        run_training(config, dataset, Path("run"), 0)


if __name__ == "__main__":
    main(sys.argv[1:])
