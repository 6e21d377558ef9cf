"""Both log families, the source dump, pasted runs, and logs written to hurt."""

from __future__ import annotations

import time

import pytest

from audits.challenge_loader import load_challenge
from audits.facts.logs import LogFacts, parse_logs
from tests.audits.builders import make_submission

CHALLENGE = load_challenge("parameter_golf")
BAR = "=" * 100
FAMILY_B = f"""{BAR}
Hyperparameters:
  matrix_lr: 0.026
  max_wallclock_seconds: 600.0
  seed: 42
  ttt_enabled: True
  world_size: 8
{BAR}
Source code:
{BAR}
import os
from pathlib import Path
def main():
    print(f"quantized_ttt val_loss:{{loss:.8f}} val_bpb:{{bpb:.8f}}")
    print("val_tokens: 1")
{BAR}
train_shards: 80
val_tokens: 40540160
model_params:35943512
gptq:reserving 12s, effective=588000ms
4900/20000 train_loss: 2.8000 train_time: 9.7m tok/s: 6600000
4944/20000 val_loss: 2.8300 val_bpb: 1.0960
stopping_early: wallclock_cap train_time: 588039ms step: 4944/20000
GPTQ:collected 67 Hessians in 12.7s
Serialized model: 135431033 bytes
Code size (uncompressed): 60123 bytes
Code size (compressed): 16719 bytes
Serialized model quantized+brotli: 15976325 bytes
Total submission size quantized+brotli: 15993044 bytes
quantized val_loss:2.83000000 val_bpb:1.09560000 eval_time:7000ms
quantized_ttt val_loss:2.79200000 val_bpb:1.08087000 eval_time:368074ms
total_eval_time:368.1s
total_eval_time_with_compile:401.5s
"""


def read(text: str | bytes, name: str = "train.log") -> tuple[LogFacts, ...]:
    return parse_logs(make_submission({name: text}), CHALLENGE)


def test_family_b_is_read_without_its_source_dump() -> None:
    (run,) = read(FAMILY_B)
    assert run.seed is not None
    assert run.seed.value == 42
    assert run.seed.location.start_line == 5
    assert run.val_tokens is not None
    assert run.val_tokens.value == 40_540_160
    assert run.source_dump is not None
    assert run.source_dump.start_line == 11
    assert run.code_bytes is not None
    assert run.code_bytes.value == 60_123
    assert run.code_bytes_packed is not None
    assert run.code_bytes_packed.value == 16_719
    assert run.model is not None
    assert run.model.bytes == 15_976_325
    assert run.total is not None
    assert run.total.bytes == 15_993_044
    assert run.stop is not None
    assert (run.stop.milliseconds, run.stop.step) == (588_039.0, 4_944)
    assert run.last_step is not None
    assert run.last_step.milliseconds == pytest.approx(582_000)
    assert [final.label for final in run.finals] == ["quantized", "quantized_ttt"]
    assert run.finals[-1].eval_seconds == pytest.approx(368.074)
    assert [(entry.label, entry.seconds) for entry in run.total_eval] == [
        ("total_eval", 368.1),
        ("total_eval_with_compile", 401.5),
    ]
    assert run.gptq_reserve_seconds is not None
    assert run.gptq_reserve_seconds.value == 12.0
    assert run.hessians[0].seconds == 12.7
    assert ("ttt_enabled", "True", 6) in run.hyperparameters


@pytest.mark.parametrize(
    "prefix",
    ["1776144156.801 ", "[rank0]: ", "2026-04-01T10:00:00Z ", "# ", "   ", "[2026-04-01 10:00] INFO: "],
)
def test_prefixes_are_seen_through(prefix: str) -> None:
    (run,) = read(f"{prefix}seed:7\n{prefix}stopping_early: wallclock_cap train_time:600038ms step:9/10\n")
    assert run.seed is not None
    assert run.seed.value == 7
    assert run.stop is not None
    assert run.stop.milliseconds == 600_038.0


@pytest.mark.parametrize(
    "line",
    [
        "GPTQ:collected 67 Hessians in 12.7s",
        "  collected 67 hessians from 64 batches in 12.7s",
        "gptq:calibrated 67 layers in 12.7s",
    ],
)
def test_calibration_time_is_read_in_every_wording(line: str) -> None:
    (run,) = read(f"seed:7\n{line}\n")
    assert [(entry.count, entry.seconds) for entry in run.hessians] == [(67, 12.7)]


def test_the_twin_of_an_exact_line_lends_its_time() -> None:
    (run,) = read(
        "final_sliding stride:64 val_loss:1.9637 val_bpb:1.1630 eval_time:72650ms\n"
        "final_sliding_exact stride:64 val_loss:1.96369923 val_bpb:1.16301431\n"
    )
    assert [final.eval_seconds for final in run.finals] == [72.65, 72.65]


def test_two_runs_in_one_file_are_two_records() -> None:
    one = "world_size:8\nseed:{}\nstep:5/5 train_loss:2.0 train_time:100ms\nfinal val_loss:2.00 val_bpb:{}\n"
    runs = read(one.format(1, "1.2000") + one.format(2, "1.3000"))
    assert [(run.run, run.any_seed, run.finals[0].val_bpb) for run in runs] == [(0, 1, 1.2), (1, 2, 1.3)]
    assert runs[1].first_line == 5


def test_utf16_and_carriage_returns_are_read() -> None:
    (run,) = read("seed:3\r\n 10%\r 100%\rfinal val_loss:2.0 val_bpb:1.2\r\n".encode("utf-16"))
    assert run.seed is not None
    assert run.seed.value == 3
    assert run.finals[0].val_bpb == 1.2


def test_text_files_count_only_when_they_report_a_run() -> None:
    assert read("just some notes\n", "notes.txt") == ()
    assert len(read("final val_loss:2.0 val_bpb:1.2\n", "train_seed3.txt")) == 1
    assert read("torch\n", "requirements.txt") == ()


@pytest.mark.parametrize(
    "text",
    [
        "val_bpb " * 400_000,
        ("token_gate=1 " * 300 + "\n") * 400,
        "seed seed_ " * 300_000,
        "collected " + " " * 4_000 + "hessians\n" * 50_000,
        "\n" * 1_000_000,
        BAR + "\n" + (BAR + "\nimport x\n") * 20_000,
    ],
    ids=["one line", "counters", "no numbers", "blanks", "empty lines", "delimiters"],
)
def test_hostile_logs_take_linear_time(text: str) -> None:
    started = time.perf_counter()
    read(text)
    assert time.perf_counter() - started < 5.0
