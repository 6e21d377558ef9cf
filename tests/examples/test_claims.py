"""What the examples claim is what their runs printed, and their runs kept to the track's caps."""

from __future__ import annotations

import json
import math
import re

import pytest

from audits.challenge_loader import load_challenge
from examples import run
from tests.examples.loading import NAMES, RECORDS, record

SCORED_TOKENS, SCORED_BYTES = 52_608, 140_140
"""What examples/prepare_data.py measures on the frozen validation split, without any trainer's byte table."""


def test_the_four_examples_are_there() -> None:
    assert sorted(path.name.split("_", 1)[1] for path in RECORDS.iterdir()) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_claims_are_read_off_the_logs(name: str) -> None:
    folder = record(name)
    runs = [run.read_run(run.log_path(folder, seed), seed) for seed in run.SEEDS]
    claimed = run.claim(runs)
    submission = json.loads((folder / "submission.json").read_text(encoding="utf-8"))
    assert {key: submission[key] for key in claimed} == claimed
    assert run.render_table(runs, claimed) in (folder / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", run.SEEDS)
def test_logs_hold_the_committed_source_and_their_own_seed(name: str, seed: int) -> None:
    folder = record(name)
    source, printed = run.log_path(folder, seed).read_text(encoding="utf-8").split("=" * 100 + "\n", 1)
    assert source == (folder / "train_gpt.py").read_text(encoding="utf-8") + "\n"
    assert f"\nseed:{seed}\n" in printed


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", run.SEEDS)
def test_runs_keep_to_the_caps(name: str, seed: int) -> None:
    track = load_challenge("cpu_tiny").track("track_cpu_tiny")
    assert track is not None
    assert track.artifact_bytes is not None
    assert track.train_seconds is not None
    assert track.eval_seconds is not None
    measured = run.read_run(run.log_path(record(name), seed), seed)
    assert measured.code_bytes == (record(name) / "train_gpt.py").stat().st_size
    assert measured.artifact_bytes <= track.artifact_bytes
    # The clock is read after each step, so a run ends on the first step at or past its cap.
    assert measured.train_milliseconds <= 1000 * (track.train_seconds + track.one_step_tolerance_seconds)
    assert measured.eval_milliseconds <= 1000 * track.eval_seconds


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", run.SEEDS)
def test_implied_bytes_meet_the_constant(name: str, seed: int) -> None:
    log = run.log_path(record(name), seed)
    measured = run.read_run(log, seed)
    text = log.read_text(encoding="utf-8")
    tokens = re.search(r"^val_loader:shards pattern=\S+ tokens:(\d+)$", text, re.MULTILINE)
    assert tokens is not None
    assert int(tokens[1]) == SCORED_TOKENS
    implied = SCORED_TOKENS * measured.val_loss / (math.log(2.0) * measured.val_bpb)
    assert implied == pytest.approx(SCORED_BYTES, rel=1e-7)


def test_no_log_is_a_copy_of_another() -> None:
    logs = [path.read_bytes() for path in RECORDS.glob("*/*.log")]
    assert len(logs) == len(set(logs)) == len(NAMES) * len(run.SEEDS)


@pytest.mark.parametrize(
    ("name", "without", "at_least", "at_most"),
    [
        ("ScoreFirstTTT", r"^quantized val_loss:\S+ val_bpb:(\S+)$", 0.0005, 0.05),
        ("PrequantTTT", r"^step:\d+/\d+ val_loss:\S+ val_bpb:(\S+) ", 0.08, 0.5),
        ("NgramCache", r"^quantized val_loss:\S+ val_bpb:(\S+)$", 1.0, 2.0),
    ],
)
@pytest.mark.parametrize("seed", run.SEEDS)
def test_each_trick_earns_what_its_kind_earns(
    name: str, without: str, at_least: float, at_most: float, seed: int
) -> None:
    log = run.log_path(record(name), seed)
    before = float(re.findall(without, log.read_text(encoding="utf-8"), re.MULTILINE)[-1])
    assert at_least < before - run.read_run(log, seed).val_bpb < at_most


def test_the_challenge_states_the_same_constant() -> None:
    challenge = load_challenge("cpu_tiny")
    assert (SCORED_TOKENS, SCORED_BYTES) in {
        (entry.val_tokens, entry.bytes_total) for entry in challenge.byte_constants
    }
    assert challenge.canonical_bytes == SCORED_BYTES
