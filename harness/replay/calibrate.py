"""How fast is this machine? The reference trains for a minute, in the same box, and its steps are counted.

Compared with a stored table, so that "8 ms slower a step" can be told from "does not reproduce". A machine
that the table does not know gets a number and no judgement.
"""

from __future__ import annotations

import tomllib
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from harness.replay.measurement import Speed
from harness.replay.seed_run import Setting, discard, run_seed
from harness.replay.statements import Dialect

if TYPE_CHECKING:
    from audits.challenge import Challenge
    from containers.engine.interface import Engine
    from harness.replay.plan import Plan
    from harness.replay.profile import Profile
    from harness.replay.seed_run import SeedRun

PRESET: Final = "tiny"
BATCH_TOKENS: Final = {"cpu": 2048, "cuda": 65_536}
"""Tokens a step: enough steps a minute that one more or less does not matter, and work enough for a GPU."""
ONE_THREAD: Final = (("OMP_NUM_THREADS", "1"),)
"""The speed of a core does not depend on how many of them others use."""
SECONDS: Final = 60.0
TABLE: Final = "speeds.toml"


def calibrate(
    engine: Engine, image: str, plan: Plan, profile: Profile, challenge: Challenge, nvml: Any, folder: Path
) -> Speed | None:
    """Return the speed of the reference on this machine, None when it did not train."""
    folder.mkdir(parents=True, exist_ok=True)
    dialect = Dialect(challenge)
    batch_tokens = BATCH_TOKENS[profile.device]
    asked = _reference_plan(plan, batch_tokens)
    run = run_seed(engine, image, asked, profile, _sources(), 1, folder, dialect, None, Setting(None))
    try:
        return _speed(run, batch_tokens, machine_name(nvml))
    finally:
        discard(run)


def _reference_plan(plan: Plan, batch_tokens: int) -> Plan:
    """Return a plan that trains the reference on its embedded data, for a fixed time."""
    settings = {
        "train.max_wallclock_seconds": SECONDS,
        "train.iterations": 1_000_000,
        "train.train_batch_tokens": batch_tokens,
        "train.val_every": 0,
        "train.log_every": 1,
    }
    words = [
        "-m",
        "reference_impl",
        "train",
        "--preset",
        PRESET,
        "--data",
        "./reference-data",
        "--out",
        "./run",
    ]
    for name, value in settings.items():
        words += ["--set", f"{name}={value}"]
    caps = replace(plan.caps, train_seconds=SECONDS, train_tolerance_seconds=30.0, setup_seconds=600.0)
    return replace(plan, words=tuple(words), environment=ONE_THREAD, nproc=1, caps=caps, shimmed=False)


def _sources() -> tuple[tuple[str, bytes], ...]:
    """Return the reference's own files, as a submission's are given to a box."""
    root = files("reference_impl")
    found: list[tuple[str, bytes]] = []
    todo = [(root, "reference_impl")]
    while todo:
        folder, name = todo.pop()
        for entry in folder.iterdir():
            path = f"{name}/{entry.name}"
            if entry.is_dir():
                todo.append((entry, path))
            elif entry.name.endswith((".py", ".toml")):
                found.append((path, entry.read_bytes()))
    return tuple(sorted(found))


def _speed(run: SeedRun, batch_tokens: int, machine: str) -> Speed | None:
    """Return tokens a second over the training that was observed."""
    if run.watched is None or not run.watched.tracker.steps:
        return None
    seen = run.watched.tracker.train_seconds()
    middle = (seen.low + seen.high) / 2.0
    if middle <= 0.0:
        return None
    return Speed(run.watched.tracker.steps * batch_tokens / middle, expected(machine))


def expected(machine: str) -> float | None:
    """Return the table's tokens a second for a machine, None for one that nobody has measured."""
    table = tomllib.loads((files("harness.replay") / TABLE).read_text(encoding="utf-8"))
    row = table["tokens_per_second"].get(machine)
    return float(row) if row is not None else None


def machine_name(nvml: Any | None) -> str:
    """Return the name that the table knows a machine by: its first GPU, else its processor."""
    if nvml is not None:
        name = nvml.nvmlDeviceGetName(nvml.nvmlDeviceGetHandleByIndex(0))
        return name.decode() if isinstance(name, bytes) else str(name)
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return "unknown processor"
    found = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return found or "unknown processor"
