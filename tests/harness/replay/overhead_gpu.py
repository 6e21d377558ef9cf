"""What being replayed costs a step on a GPU: the same script in a box of ours and bare, in turn.

    python -m tests.harness.replay.overhead_gpu RECORD --data DIR --pairs 2 --env ITERATIONS=250

Runs by bubblewrap with the packages of this Python, and bare with this Python. The script prints the
challenge's own log lines; the time of a step is its last `train_time` over its steps, so that compiling and
starting do not count. Prints one line a pair, and the ratios.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from containers.engine import find_engine
from containers.image import prepare_named
from harness.replay.command import read_record
from harness.replay.plan import Overrides, make_plan
from harness.replay.profile import load_profile
from harness.replay.seed_run import discard, run_seed
from harness.replay.statements import Dialect

if TYPE_CHECKING:
    from collections.abc import Callable

_STEP: Final = re.compile(r"^step:(\d+)/\d+ .*train_time:(\d+)ms", re.MULTILINE)
SEED: Final = 1337


def step_milliseconds(log: str) -> float:
    """Return the time of a step by the last line that tells it."""
    found = _STEP.findall(log)
    if not found:
        raise SystemExit(f"no step in what it printed, which ends in: {log[-500:]}")
    step, milliseconds = found[-1]
    return int(milliseconds) / max(1, int(step))


def arms(
    record: Path, data: Path, environment: tuple[tuple[str, str], ...], root: Path
) -> tuple[Callable[[], float], Callable[[], float]]:
    """Return what runs the record with us, and without; each gives milliseconds a step."""
    facts, launch = read_record(str(record))
    profile = replace(load_profile("gpu1"), train_scale=10.0)
    plan = make_plan(launch, facts, profile, data, Overrides(seeds=(SEED,), environment=environment))
    engine, image = find_engine("bubblewrap"), prepare_named("bubblewrap", "host").id

    def with_us() -> float:
        folder = Path(tempfile.mkdtemp(dir=root))
        run = run_seed(engine, image, plan, profile, launch.files, SEED, folder, Dialect(facts.challenge))
        discard(run)
        return step_milliseconds((folder / "raw.log").read_text())

    def bare() -> float:
        folder = Path(tempfile.mkdtemp(dir=root)) / "run"
        shutil.copytree(record, folder)
        (folder / "data").symlink_to(data.resolve())
        command = [sys.executable, *plan.command(SEED)[1:]]
        variables = {**os.environ, **plan.variables(SEED), "TORCHINDUCTOR_CACHE_DIR": str(folder / "cache")}
        done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)
        return step_milliseconds(done.stdout if done.returncode == 0 else done.stderr)

    return with_us, bare


def main() -> None:
    """Run the pairs, each in the other order than the one before."""
    parser = argparse.ArgumentParser(description="Measure what a replay costs a step on a GPU.")
    parser.add_argument("record", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pairs", type=int, default=2)
    parser.add_argument("--bare-first", action="store_true", help="begin with the bare run")
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE")
    options = parser.parse_args()
    environment = tuple((name, value) for name, _, value in (entry.partition("=") for entry in options.env))
    ratios = []
    with tempfile.TemporaryDirectory(prefix="referee-overhead-") as root:
        with_us, bare = arms(options.record, options.data, environment, Path(root))
        for number in range(options.pairs):
            if bool(number % 2) != options.bare_first:
                alone, ours = bare(), with_us()
            else:
                ours, alone = with_us(), bare()
            ratios.append(ours / alone)
            print(
                f"{number} with us {ours:.2f} ms a step, bare {alone:.2f}, ratio {ratios[-1]:.4f}", flush=True
            )
    print(f"ratios {min(ratios):.4f} to {max(ratios):.4f}")


if __name__ == "__main__":
    main()
