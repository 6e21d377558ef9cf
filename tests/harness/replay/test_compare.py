"""Claim against measurement: one verdict, the gravest ground first."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from containers.engine.live import LiveExit
from harness.replay.claimed import Claimed
from harness.replay.compare import Verdict, compare
from harness.replay.interval import Interval
from harness.replay.keep import read_record, write_record
from harness.replay.limits import Breach, Breached, Caps
from harness.replay.measurement import (
    ArtifactMeasured,
    Ending,
    Fault,
    Measurement,
    ScoreMeasured,
    SeedMeasurement,
    Sign,
    Speed,
)
from harness.replay.phases import Phase, Span
from harness.replay.plan import Because, Plan

if TYPE_CHECKING:
    from pathlib import Path

CAPS = Caps(600.0, 1.0, 600.0, 1.0, 300.0, 900.0, 900.0)
PLAN = Plan(
    folder="records/x",
    digest="0" * 64,
    profile="h100x8",
    words=("train_gpt.py",),
    environment=(("A", "1"),),
    nproc=8,
    seeds=(42, 314),
    data="/data",
    requirements=(),
    caps=CAPS,
    artifact_cap_bytes=16_000_000,
    margin_nats=0.005,
    noise_bpb=0.002,
    scaled=False,
    shimmed=False,
    score_labels=("final",),
    claimed=Claimed(
        seeds=((42, 1.1000), (314, 1.1010)),
        mean_bpb=1.1005,
        std_bpb=0.0005,
        predecessor_bpb=1.1100,
        predecessor_std_bpb=0.0005,
        predecessor_seeds=3,
        nats_per_bpb=2.5,
    ),
    reasons=(Because("train_gpt.py", "README.md:3"),),
)


def run(seed: int = 42, bpb: float | None = 1.1004, **changes: object) -> SeedMeasurement:
    whole = SeedMeasurement(
        seed=seed,
        ending=Ending.FINISHED,
        exit=LiveExit(0),
        wall_seconds=1300.0,
        breach=None,
        spans=(Span(Phase.TRAIN, Interval(20.0, 21.0), Interval(620.0, 620.5)),),
        training=Interval(599.0, 600.5),
        own_training_seconds=600.04,
        evaluation=Interval(400.0, 420.0),
        own_evaluation_seconds=410.0,
        steps=5000,
        artifact=ArtifactMeasured("final_model.ptz", 15_900_000, True, 15_990_000, 15_980_000, 15_950_000),
        score=ScoreMeasured("final", 90, 2.7, bpb, 151_080_891.0, 151_080_891.0) if bpb else None,
        split=None,
        files=(),
        signs=(),
        fault=None,
        fault_evidence="",
        left_behind=(),
        missing_isolation=(),
    )
    return replace(whole, **changes)  # type: ignore[arg-type]


def verdict(*runs: SeedMeasurement, speed: Speed | None = None) -> Verdict:
    return compare(Measurement(runs, speed), PLAN).verdict


def test_every_seed_within_the_band_reproduces() -> None:
    assert verdict(run(42), run(314, 1.1012)) is Verdict.REPRODUCED


def test_one_seed_outside_is_enough() -> None:
    assert verdict(run(42), run(314, 1.1090)) is Verdict.NOT_REPRODUCED


def test_a_better_score_than_claimed_does_not_reproduce_either() -> None:
    assert verdict(run(42, 1.0900)) is Verdict.NOT_REPRODUCED


def test_the_band_follows_the_spread_of_the_claim() -> None:
    wide = replace(PLAN, claimed=replace(PLAN.claimed, std_bpb=0.01))
    assert compare(Measurement((run(42, 1.1250),)), wide).verdict is Verdict.REPRODUCED


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"signs": (Sign("clock", "spoofed", True),)}, Verdict.INVALID),
        ({"signs": (Sign("daemon", "left", False),)}, Verdict.REPRODUCED),
        (
            {"ending": Ending.STOPPED_AT_LIMIT, "breach": Breach(Breached.TRAIN, 602.0, 600.0, "steps")},
            Verdict.LIMIT_EXCEEDED,
        ),
        (
            {"ending": Ending.STOPPED_AT_LIMIT, "breach": Breach(Breached.SILENCE, 900.0, 900.0, "quiet")},
            Verdict.NOT_REPRODUCED,
        ),
        ({"training": Interval(601.5, 602.0)}, Verdict.LIMIT_EXCEEDED),
        ({"training": Interval(599.0, 640.0)}, Verdict.REPRODUCED),
        ({"artifact": ArtifactMeasured("m", 1, True, 1, 1, 16_000_001)}, Verdict.LIMIT_EXCEEDED),
        ({"ending": Ending.FAILED, "fault": Fault.INFRASTRUCTURE}, Verdict.INFRA_FAULT),
        ({"ending": Ending.FAILED, "fault": Fault.SUBMISSION}, Verdict.NOT_REPRODUCED),
        ({"ending": Ending.INTERRUPTED}, Verdict.INFRA_FAULT),
        ({"ending": Ending.NEVER_RAN, "fault": Fault.INFRASTRUCTURE}, Verdict.INFRA_FAULT),
        ({"score": None}, Verdict.NOT_REPRODUCED),
    ],
)
def test_each_ground_has_its_verdict(changes: dict[str, object], expected: Verdict) -> None:
    assert verdict(run(42, **changes)) is expected


def test_tampering_outweighs_a_limit_and_a_limit_a_fault_of_the_machine() -> None:
    over = run(42, training=Interval(700.0, 701.0))
    lost = run(314, ending=Ending.FAILED, fault=Fault.INFRASTRUCTURE)
    forged = run(314, signs=(Sign("numbers", "forged", True),))
    assert verdict(over, lost) is Verdict.LIMIT_EXCEEDED
    assert verdict(over, forged) is Verdict.INVALID


def test_a_slow_machine_explains_a_worse_score_and_never_a_better_one() -> None:
    slow = Speed(tokens_per_second=90.0, expected_tokens_per_second=100.0)
    assert verdict(run(42, 1.1090), speed=slow) is Verdict.INFRA_FAULT
    assert verdict(run(42, 1.0900), speed=slow) is Verdict.NOT_REPRODUCED
    fast = Speed(tokens_per_second=100.0, expected_tokens_per_second=100.0)
    assert verdict(run(42, 1.1090), speed=fast) is Verdict.NOT_REPRODUCED


def test_a_cap_inside_the_interval_is_neither_kept_nor_broken() -> None:
    comparison = compare(Measurement((run(42, training=Interval(590.0, 640.0)),)), PLAN)
    (check,) = [entry for entry in comparison.limits if entry.name == "train_seconds"]
    assert check.kept is None


def test_a_scaled_run_neither_confirms_nor_refutes() -> None:
    scaled = replace(PLAN, scaled=True)
    assert compare(Measurement((run(42),)), scaled).verdict is Verdict.NOT_RUN
    assert compare(Measurement((run(42, 9.9),)), scaled).verdict is Verdict.NOT_RUN
    broken = run(42, ending=Ending.FAILED, fault=Fault.SUBMISSION)
    assert compare(Measurement((broken,)), scaled).verdict is Verdict.NOT_REPRODUCED


def test_nothing_run_is_no_pass() -> None:
    assert verdict() is Verdict.NOT_RUN


def test_the_record_rules_are_worked_out_on_what_was_measured() -> None:
    comparison = compare(Measurement((run(42), run(314, 1.1012))), PLAN)
    assert comparison.p_improvement is not None
    assert comparison.p_improvement < 0.05
    assert comparison.p_margin is not None
    assert comparison.p_margin > comparison.p_improvement


def test_records_come_back_from_disk_as_they_were(tmp_path: Path) -> None:
    write_record(tmp_path / "m.json", run(42))
    write_record(tmp_path / "p.json", PLAN)
    assert read_record(tmp_path / "m.json", SeedMeasurement) == run(42)
    assert read_record(tmp_path / "p.json", Plan) == PLAN
