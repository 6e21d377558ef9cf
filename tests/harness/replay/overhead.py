"""What being replayed costs a run: the same command in the same image, with and without us, in turn.

    python -m tests.harness.replay.overhead --pairs 8

Prints one line a pair (with us, without), the medians with their quartiles, and the least with us over the
least without: the processor time of the run (does what we put into its processes cost it anything), its wall
time a step, and the processor time of our own process a second of the run. A busy machine moves the first by
a tenth and makes the second worthless; the least of several runs is what it disturbs least.
"""

from __future__ import annotations

import argparse
import re
import shutil
import statistics
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from containers.engine.docker import DockerEngine
from containers.image import ensure_image
from examples.prepare_data import prepare
from harness.replay.command import read_record
from harness.replay.plan import Overrides, make_plan
from harness.replay.profile import load_profile
from harness.replay.seed_run import discard, run_seed
from harness.replay.statements import Dialect

if TYPE_CHECKING:
    from collections.abc import Callable

HONEST: Final = Path(__file__).parents[3] / "examples/records/track_cpu_tiny/2026-11-23_NeuralBaseline"
LOOP: Final = "    t0 = time.perf_counter()\n    while True:\n"
CLOCKED: Final = "    globals()['began'] = time.process_time()\n" + LOOP
TAIL: Final = '\nprint("processor", began, time.process_time() - began)\n'
SEED: Final = 1
STEPS: Final = (("ITERATIONS", "100"), ("MAX_WALLCLOCK_SECONDS", "10000"))


class Cost(NamedTuple):
    """One run."""

    processor_seconds: float
    """From the first step to the end: training, and two evaluations."""
    start_seconds: float
    """Processor time until the first step: imports and data."""
    step_seconds: float
    """Wall time a step, by its own clock."""
    own_seconds: float
    """Processor time of our process meanwhile, a second of the run."""


def parsed(output: str, own_seconds: float) -> Cost:
    """Return the cost that a run printed."""
    start, processor = re.findall(r"^processor (\S+) (\S+)$", output, re.MULTILINE)[-1]
    step, milliseconds = re.findall(r"^step:(\d+)/\d+ val_loss.* train_time:(\d+)ms", output, re.MULTILINE)[
        -1
    ]
    return Cost(float(processor), float(start), float(milliseconds) / 1000.0 / float(step), own_seconds)


def arms(root: Path) -> tuple[Callable[[], Cost], Callable[[], Cost]]:
    """Return what runs the honest example with us, and without."""
    record = root / "records" / "track_cpu_tiny" / HONEST.name
    shutil.copytree(HONEST, record)
    script = (record / "train_gpt.py").read_text(encoding="utf-8")
    (record / "train_gpt.py").write_text(script.replace(LOOP, CLOCKED) + TAIL, encoding="utf-8")
    prepare(root)
    facts, launch = read_record(str(record))
    # However slow the machine: both make the same steps, and no cap ends them.
    profile = replace(load_profile("cpu-tiny"), train_scale=1000.0, eval_scale=1000.0)
    asked = Overrides(seeds=(SEED,), environment=STEPS)
    plan = make_plan(launch, facts, profile, root / "data", asked)
    image = ensure_image(progress=lambda line: None).id
    engine = DockerEngine()

    def with_us() -> Cost:
        folder = Path(tempfile.mkdtemp(dir=root))
        before, began = time.process_time(), time.monotonic()
        run = run_seed(engine, image, plan, profile, launch.files, SEED, folder, Dialect(facts.challenge))
        own = (time.process_time() - before) / (time.monotonic() - began)
        discard(run)
        return parsed((folder / "raw.log").read_text(), own)

    def without() -> Cost:
        scratch = Path(tempfile.mkdtemp(dir=root))
        (scratch / "data").mkdir()
        # Another user than ours writes there, as in a replay.
        scratch.chmod(0o1777)
        binds = (f"{record}:/submission:ro", f"{scratch}:/scratch", f"{root / 'data'}:/scratch/data:ro")
        variables = plan.variables(SEED).items()
        command = ["docker", "run", "--rm", "--network", "none", "--workdir", "/scratch", "--cpus", "2"]
        command += [word for bind in binds for word in ("-v", bind)]
        command += [word for name, value in variables for word in ("-e", f"{name}={value}")]
        start = 'cp -rs /submission/. /scratch/ && exec "$@"'
        command += [image, "/bin/sh", "-c", start, "sh", *plan.command(SEED)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return parsed(done.stdout, 0.0)

    return with_us, without


def told(name: str, ours: list[float], bare: list[float]) -> str:
    """Return how one number compares: median of the pairs, their quartiles, and least against least."""
    low, middle, high = statistics.quantiles([a / b for a, b in zip(ours, bare, strict=True)], n=4)
    least = min(ours) / min(bare)
    return (
        f"{name}, with us over without: {middle:.4f} (quartiles {low:.4f} to {high:.4f}), least {least:.4f}"
    )


def main() -> None:
    """Run the pairs, each in the other order than the one before."""
    parser = argparse.ArgumentParser(description="Measure what a replay costs the run.")
    parser.add_argument("--pairs", type=int, default=8)
    pairs = parser.parse_args().pairs
    with_, bare_ = [], []
    with tempfile.TemporaryDirectory(prefix="referee-overhead-") as root:
        with_us, without = arms(Path(root))
        for number in range(pairs):
            if number % 2:
                ours, bare = with_us(), without()
            else:
                bare, ours = without(), with_us()
            with_.append(ours)
            bare_.append(bare)
            print(number, *(f"{value:.4f}" for value in (*ours, *bare)), flush=True)
    for at, name in enumerate(
        ("processor time from the first step on", "processor time before", "wall time a step")
    ):
        print(told(name, [a[at] for a in with_], [b[at] for b in bare_]))
    print(f"our own processor seconds a second of the run: {statistics.median(a[3] for a in with_):.4f}")


if __name__ == "__main__":
    main()
