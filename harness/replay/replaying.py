"""Carry out a replay, seed by seed. A seed that has its measurement is not run again after a kill."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.replay.compare import Comparison, compare
from harness.replay.keep import read_measurement, read_plan, write_record
from harness.replay.measure import measure_seed, with_split
from harness.replay.seed_run import discard, discard_left, run_seed
from harness.replay.split_eval import split_evaluation
from harness.replay.statements import Dialect

if TYPE_CHECKING:
    from collections.abc import Callable

    from audits.facts import Facts
    from audits.launch import LaunchPlan
    from containers.engine.interface import Engine
    from harness.replay.measurement import SeedMeasurement, SplitEvaluation
    from harness.replay.phases import Tracker
    from harness.replay.plan import Plan
    from harness.replay.profile import Profile
    from harness.replay.seed_run import SeedRun, Setting
    from harness.rundir import ReplayDir


@dataclass(frozen=True, slots=True)
class Bench:
    """What every seed of a replay is run with."""

    engine: Engine
    image: str
    profile: Profile
    facts: Facts
    launch: LaunchPlan
    split: tuple[tuple[str, str], ...] | None = None
    """Variables that make the script score a saved artifact only; None runs no second box."""


def replay(
    directory: ReplayDir,
    plan: Plan,
    bench: Bench,
    on_progress: Callable[[int, Tracker, float], None] | None = None,
) -> Comparison:
    """Run the seeds that are not done, and return how the whole compares with the claim."""
    directory.root.mkdir(parents=True, exist_ok=True)
    write_record(directory.plan, plan)
    for seed in plan.seeds:
        if not directory.seed_measurement(seed).is_file():
            _one(directory, plan, bench, seed, on_progress)
    return compare_again(directory)


def compare_again(directory: ReplayDir) -> Comparison:
    """Return, and keep, the comparison that the directory's own records give."""
    comparison = compare(read_measurement(directory), read_plan(directory))
    write_record(directory.comparison, comparison)
    return comparison


def _one(
    directory: ReplayDir,
    plan: Plan,
    bench: Bench,
    seed: int,
    on_progress: Callable[[int, Tracker, float], None] | None,
) -> None:
    """Run one seed from the start; what an earlier try left of it is thrown away."""
    folder = directory.seed(seed)
    _empty(folder)

    def tell(tracker: Tracker, now: float) -> None:
        if on_progress is not None:
            on_progress(seed, tracker, now)

    run = _run(directory, plan, bench, seed, "", tell)
    try:
        measured = measure_seed(run, folder, bench.facts, plan)
        if bench.split is not None and measured.score is not None:
            split = _split(directory, plan, bench, run, measured, bench.split)
            measured = with_split(measured, split, plan.noise_bpb)
        write_record(directory.seed_measurement(seed), measured)
    finally:
        discard(run)


def _run(
    directory: ReplayDir,
    plan: Plan,
    bench: Bench,
    seed: int,
    name: str,
    tell: Callable[[Tracker, float], None],
    setting: Setting | None = None,
) -> SeedRun:
    """Run one seed in a setting; its recording lies in the seed's folder, under `name` if it has one."""
    folder = directory.seed(seed) / name
    folder.mkdir(parents=True, exist_ok=True)
    dialect = Dialect(bench.facts.challenge)
    files = bench.launch.files
    return run_seed(
        bench.engine, bench.image, plan, bench.profile, files, seed, folder, dialect, tell, setting
    )


def _split(
    directory: ReplayDir,
    plan: Plan,
    bench: Bench,
    run: SeedRun,
    measured: SeedMeasurement,
    switch: tuple[tuple[str, str], ...],
) -> SplitEvaluation:
    """Return the score from the artifact alone."""

    def again(setting: Setting, name: str) -> tuple[SeedRun, SeedMeasurement]:
        second = _run(directory, plan, bench, run.seed, name, lambda tracker, now: None, setting)
        return second, measure_seed(second, directory.seed(run.seed) / name, bench.facts, plan)

    artifact = run.scratch / (measured.artifact.model_path or "")
    return split_evaluation(measured, artifact, Path(plan.data), switch, again)


def _empty(folder: Path) -> None:
    """Make an empty folder; the scratch of an earlier try that was killed goes with what is in it."""
    if folder.exists():
        discard_left(folder)
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
