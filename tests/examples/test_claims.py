"""What the examples claim is what their runs printed, and their runs kept to the track's caps."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pytest

from examples import run
from tests.examples.loading import NAMES, RECORDS, record

ARTIFACT_CAP_BYTES, TRAIN_CAP_SECONDS, EVAL_CAP_SECONDS = 1_000_000, 30.0, 30.0
SCORED_TOKENS, SCORED_BYTES = 52_608, 140_140


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
    measured = run.read_run(run.log_path(record(name), seed), seed)
    assert measured.artifact_bytes <= ARTIFACT_CAP_BYTES
    assert measured.code_bytes == (record(name) / "train_gpt.py").stat().st_size
    assert measured.train_milliseconds <= 1000 * TRAIN_CAP_SECONDS
    assert measured.eval_milliseconds <= 1000 * EVAL_CAP_SECONDS


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", run.SEEDS)
def test_implied_bytes_meet_the_constant(name: str, seed: int) -> None:
    log = run.log_path(record(name), seed)
    measured = run.read_run(log, seed)
    tokens = re.findall(r"^val_loader:shards pattern=\S+ tokens:(\d+)$", log.read_text(encoding="utf-8"), re.M)
    assert tokens == [str(SCORED_TOKENS)]
    implied = SCORED_TOKENS * measured.val_loss / (math.log(2.0) * measured.val_bpb)
    assert implied == pytest.approx(SCORED_BYTES, rel=1e-7)


def test_no_log_is_a_copy_of_another() -> None:
    logs = [path.read_bytes() for path in RECORDS.glob("*/*.log")]
    assert len(logs) == len(set(logs)) == len(NAMES) * len(run.SEEDS)


def test_each_dishonest_example_beats_the_honest_ones() -> None:
    def bpb(name: str) -> float:
        return float(json.loads((record(name) / "submission.json").read_text(encoding="utf-8"))["val_bpb"])

    assert bpb("NgramCache") < 0.6 * bpb("NeuralBaseline")
    assert bpb("PrequantTTT") < bpb("ScoreFirstTTT") < bpb("NeuralBaseline")


def test_the_challenge_states_the_same_numbers() -> None:
    import tomllib

    path = Path(__file__).resolve().parents[2] / "audits" / "challenges" / "cpu_tiny.toml"
    challenge = tomllib.loads(path.read_text(encoding="utf-8"))
    numbers = {value for value in _leaves(challenge) if not isinstance(value, (str, bool))}
    assert {SCORED_TOKENS, SCORED_BYTES, ARTIFACT_CAP_BYTES, TRAIN_CAP_SECONDS} <= numbers


def _leaves(value: object) -> list[object]:
    """Return every scalar of nested tables."""
    if isinstance(value, dict):
        return [leaf for entry in value.values() for leaf in _leaves(entry)]
    if isinstance(value, list):
        return [leaf for entry in value for leaf in _leaves(entry)]
    return [value]
