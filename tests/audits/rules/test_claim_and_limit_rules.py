"""Severities and reasons that examples cannot state: the same rules on neighbouring folders."""

from __future__ import annotations

from dataclasses import replace

import pytest

from audits.challenge_loader import load_challenge
from audits.example_folder import SCRIPT, claims, log, nats, readme
from audits.facts.extract import extract
from audits.outcome import Outcome, Severity, Status
from audits.rules import discover
from audits.runner import run_rule
from audits.submission import RunCommand
from tests.audits.builders import make_submission

CHALLENGE = load_challenge("parameter_golf")
RULES = {rule.id: rule for rule in discover()}
NON_RECORD = "track_non_record_16mb"


def judge(
    rule: str, files: dict[str, str], *, track: str = "track_10min_16mb", command: RunCommand | None = None
) -> Outcome:
    base = {"README.md": readme(), "submission.json": claims(), "train_gpt.py": SCRIPT}
    submission = make_submission({**base, **files}, track=track)
    if command is not None:
        submission = replace(submission, run_commands=(command,))
    return run_rule(RULES[rule], extract(submission, CHALLENGE))


def test_long_runs_of_an_unlimited_track_are_reported_and_held_against_nobody() -> None:
    text = "Non-record submission, unlimited compute track."
    files = {
        "README.md": readme(text),
        "train.log": log(stop_ms=14_400_160, eval_ms=695_601, cap=14_400.0),
    }
    train = judge("train-seconds-over-cap", files, track=NON_RECORD)
    scored = judge("eval-seconds-over-cap", files, track=NON_RECORD)
    assert (train.status, train.severity) == (Status.FLAGGED, Severity.NOTE)
    assert (scored.status, scored.severity) == (Status.FLAGGED, Severity.NOTE)
    assert "14,400.2 s" in train.reason
    assert "695.6 s" in scored.reason
    assert "non_record_unlimited_compute_16mb" in train.reason


@pytest.mark.parametrize(
    ("stop_ms", "severity"),
    [(600_038, Severity.NOTE), (600_999, Severity.NOTE), (601_153, Severity.VIOLATION)],
)
def test_the_step_that_was_running_may_end(stop_ms: int, severity: Severity) -> None:
    outcome = judge("train-seconds-over-cap", {"train.log": log(stop_ms=stop_ms)})
    assert (outcome.status, outcome.severity) == (Status.FLAGGED, severity)


def test_the_byte_cap_binds_non_record_entries_too() -> None:
    outcome = judge("artifact-over-cap", {"train.log": log(model=16_600_000)}, track=NON_RECORD)
    assert (outcome.status, outcome.severity) == (Status.FLAGGED, Severity.VIOLATION)


@pytest.mark.parametrize(
    ("claimed_bpb", "claimed_bytes", "severity"),
    [
        (1.20314159, 15_983_603, Severity.DISPUTED),
        (1.20314159, 16_600_500, Severity.VIOLATION),
        (1.2345, 15_983_603, Severity.VIOLATION),
    ],
    ids=["another run fits", "another run does not fit either", "this run"],
)
def test_a_log_of_another_run_does_not_size_the_claimed_artifact(
    claimed_bpb: float, claimed_bytes: int, severity: Severity
) -> None:
    """#554: the claimed score and size come from another export of the checkpoint; no log shows either."""
    files = {
        "train.log": log(42, 1.2345, model=16_600_000),
        "submission.json": claims(claimed_bpb, bytes_total=claimed_bytes),
    }
    outcome = judge("artifact-over-cap", files)
    assert (outcome.status, outcome.severity) == (Status.FLAGGED, severity)


def test_exactly_the_cap_is_allowed() -> None:
    fits = log(model=16_000_000 - len(SCRIPT))
    assert judge("artifact-over-cap", {"train.log": fits}).status is Status.CLEAN


def test_without_a_log_nothing_is_clean() -> None:
    for rule in ("artifact-over-cap", "train-seconds-over-cap", "eval-seconds-over-cap"):
        assert judge(rule, {}).status is Status.UNCLEAR, rule


def test_an_evaluation_on_one_device_is_scaled_to_the_tracks_eight() -> None:
    outcome = judge("eval-seconds-over-cap", {"train.log": log(eval_ms=1_341_000, world_size=1)})
    assert (outcome.status, outcome.severity) == (Status.FLAGGED, Severity.WARNING)


def test_self_generated_calibration_is_no_training_data() -> None:
    after = "gptq:generating autoregressive calibration data (64 seqs)\nGPTQ:collected 67 Hessians in 4.0s"
    outcome = judge("calibration-past-cap", {"train.log": log(stop_ms=599_900, before_final=after)})
    assert outcome.status is Status.CLEAN


def test_a_script_shrunk_after_the_runs_is_told_from_one_that_fits() -> None:
    files = {
        "train_seed2025.log": log(2025, model=15_937_372, code=88_253),
        "submission.json": claims(bytes_total=15_937_372 + len(SCRIPT)),
    }
    size = judge("artifact-over-cap", files)
    assert (size.status, size.severity) == (Status.FLAGGED, Severity.NOTE)
    assert "a logged total is over the cap" in size.reason
    claim = judge("bytes-differ-from-logs", files)
    assert (claim.status, claim.severity) == (Status.FLAGGED, Severity.VIOLATION)
    assert "88,253 bytes of code" in judge("code-size-differs-from-log", files).reason


def test_a_missing_log_and_a_renamed_script_are_both_named() -> None:
    submission = make_submission(
        {"README.md": readme(), "submission.json": claims(), "train_mlx.py": SCRIPT},
        main_script="train_mlx.py",
    )
    outcome = run_rule(RULES["missing-required-file"], extract(submission, CHALLENGE))
    assert "no train log" in outcome.reason
    assert "train_gpt.py is called train_mlx.py" in outcome.reason


def test_modules_run_with_m_are_no_files() -> None:
    venv = RunCommand((), ("python", "-m", "venv", ".venv"), "venv.py", "README.md", 4)
    assert judge("unrunnable-command", {}, command=venv).status is Status.CLEAN


def test_a_limit_of_the_training_time_evaluations_is_only_a_warning() -> None:
    header = "val_max_tokens:500000"
    full = judge("partial-validation-set", {"train.log": log(extra_header=header)})
    assert (full.status, full.severity) == (Status.FLAGGED, Severity.WARNING)


def test_twice_the_space_shows_without_a_token_count() -> None:
    text = "final_exact val_loss:3.50000000 val_bpb:1.15116000\n"
    outcome = judge("implied-bytes-off", {"train.log": text, "submission.json": claims(1.15116)})
    assert (outcome.status, outcome.severity) == (Status.FLAGGED, Severity.DISPUTED)
    assert "4.3864 bytes per token" in outcome.reason


def test_an_improvement_below_the_written_margin_is_a_note() -> None:
    values = (1.1131, 1.1133, 1.1132)
    seeds = {str(n): {"val_bpb": value} for n, value in enumerate(values)}
    files = {
        "README.md": readme("Against PR #1019 (previous record)."),
        "submission.json": claims(1.1132, seed_results=seeds),
        **{f"train_seed{n}.log": log(n, value) for n, value in enumerate(values)},
    }
    outcome = judge("improvement-not-significant", files)
    assert (outcome.status, outcome.severity) == (Status.FLAGGED, Severity.NOTE)
    assert outcome.dispute == "written-significance"


def test_machines_are_named_in_one_order_whatever_the_process() -> None:
    gpus = "RTX 5090, L40S, A100, 8xH100, V100, Apple M4"
    outcome = judge("mixed-hardware", {"submission.json": claims(gpu=gpus)})
    named = [item.message.rpartition(" ")[2] for item in outcome.evidence]
    assert named == ["a100", "apple", "h100", "l40s", "rtx5090", "v100"]


def test_no_rule_trips_over_an_empty_folder() -> None:
    facts = extract(make_submission({}), CHALLENGE)
    assert not [rule.id for rule in RULES.values() if run_rule(rule, facts).status is Status.CRASHED]


OPAQUE = 'import theirs\n\nprint(f"val_bpb:{theirs.evaluate():.8f}")\n'


@pytest.mark.parametrize(
    ("files", "status"),
    [
        ({"train_seed42.log": log()}, Status.NOT_APPLICABLE),
        ({"train_seed42.log": log(loss=nats(1.2) * 1.21)}, Status.UNCLEAR),
        ({"notes.md": "no log"}, Status.UNCLEAR),
    ],
    ids=["the bytes of the split", "more bytes", "no log"],
)
def test_a_table_out_of_sight_is_judged_by_what_the_logs_imply(files: dict[str, str], status: Status) -> None:
    """#696: a table that no pass can follow is right where the run divides by the bytes of the text."""
    outcome = judge("leading-space-counted-twice", {"train_gpt.py": OPAQUE, **files})
    assert outcome.status is status
