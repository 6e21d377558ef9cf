"""Replays of the counting folder and of changed copies of it, in a real box with caps of seconds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from harness.replay.command import read_record
from harness.replay.keep import read_measurement
from harness.replay.plan import Overrides, make_plan
from harness.replay.profile import Profile, load_profile
from harness.replay.replaying import Bench, replay
from harness.rundir import ReplayDir
from tests.harness.replay.counting import folder

if TYPE_CHECKING:
    from pathlib import Path

    from containers.engine.docker import DockerEngine
    from harness.replay.compare import Comparison
    from harness.replay.measurement import SeedMeasurement

CLAIMS: Final = {1: 2.33385, 2: 2.32759, 3: 2.36560}
"""What the folder scores, on every machine."""


class Runs:
    """Replays of changed copies of the counting folder, with caps of seconds."""

    def __init__(self, engine: DockerEngine, image: str, data: Path, root: Path) -> None:
        self.engine, self.image, self.data, self.root = engine, image, data, root
        quick = replace(load_profile("cpu-tiny"), train_scale=0.15, eval_scale=0.1)
        seconds = {**dict(quick.seconds), "preparation": 1.0, "setup": 30.0, "silence": 20.0}
        self.profile: Profile = replace(quick, seconds=tuple(sorted(seconds.items())))

    def __call__(
        self,
        *changes: tuple[str, str],
        claims: dict[int, float] | None = None,
        seeds: tuple[int, ...] = (1,),
        split: bool = False,
        nproc: int | None = None,
    ) -> tuple[Comparison, SeedMeasurement]:
        made = folder(self.root, claims or CLAIMS, changes)
        facts, launch = read_record(str(made))
        plan = make_plan(launch, facts, self.profile, self.data, Overrides(seeds=seeds, nproc=nproc))
        # Caps of seconds make tests quick; the claims are those of this very run.
        plan = replace(plan, scaled=False)
        switch = (("EVAL_ONLY", "1"),) if split else None
        bench = Bench(self.engine, self.image, self.profile, facts, launch, switch)
        directory = ReplayDir(self.root / "run")
        comparison = replay(directory, plan, bench)
        return comparison, read_measurement(directory).seeds[-1]
