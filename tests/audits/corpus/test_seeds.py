"""Five pull requests whose review is known in detail, through the command."""

from __future__ import annotations

from functools import cache

from tests.audits.corpus.mirror import Report, audit_reports


@cache
def report(mirror: str, number: int) -> Report:
    (only,) = audit_reports(mirror, "--pr", str(number))
    return only


def findings(seed: Report, rule: str) -> list[Report]:
    return [item for item in seed["findings"] if item["rule"] == rule]


def told(seed: Report, rule: str) -> str:
    """Return everything a reader is told under one rule."""
    return " | ".join([seed["reasons"][rule], *(item["message"] for item in findings(seed, rule))])


def flagged(seed: Report, axis: str) -> set[str]:
    return {
        item["rule"] for item in seed["findings"] if item["axis"] == axis and item["outcome"] == "flagged"
    }


def test_339_is_neural_and_too_large(mirror: str) -> None:
    seed = report(mirror, 339)
    assert seed["axes"]["legality"] == "CLEAN"
    assert "pure-neural" in seed["patterns"]
    assert seed["axes"]["limits"] == "VIOLATION"
    assert "16,170,051" in seed["reasons"]["artifact-over-cap"]
    assert "16,000,000" in seed["reasons"]["artifact-over-cap"]
    assert seed["verdict"] == "VIOLATION"


def test_895_mixes_an_entropy_among_its_experts(mirror: str) -> None:
    seed = report(mirror, 895)
    (mixture, *_) = findings(seed, "entropy-used-as-expert")
    assert mixture["outcome"] == "flagged"
    assert mixture["path"] == "train_gpt.py"
    assert mixture["start_line"] == 90, "the line that mixes the experts"
    assert "entropy" in mixture["message"]
    assert {"entropy-expert", "hedge-mixer"} & set(seed["patterns"])


def test_895_runs_long_on_a_track_without_limits(mirror: str) -> None:
    seed = report(mirror, 895)
    assert seed["axes"]["limits"] == "CLEAN"
    for rule, seconds in (("eval-seconds-over-cap", "695.6 s"), ("train-seconds-over-cap", "14,400")):
        assert seconds in told(seed, rule)
        assert "unlimited" in seed["reasons"][rule]
        assert seed["outcomes"][rule] == "flagged"
        assert {item["severity"] for item in findings(seed, rule)} == {"note"}


def test_1231_adapts_legally(mirror: str) -> None:
    seed = report(mirror, 1231)
    assert seed["axes"]["legality"] == "CLEAN"
    assert "score-first-ttt" in (*seed["patterns"], *seed["dormant"])


def test_1231_adapts_in_the_claimed_run(mirror: str) -> None:
    assert "score-first-ttt" in report(mirror, 1231)["patterns"]


def test_1231_names_a_script_that_is_not_there(mirror: str) -> None:
    seed = report(mirror, 1231)
    (command,) = findings(seed, "unrunnable-command")
    assert command["path"] == "README.md"
    assert ".sh is not in the folder" in command["message"]
    assert "unrunnable-command" in flagged(seed, "package")


def test_1231_logs_another_script_and_another_total(mirror: str) -> None:
    seed = report(mirror, 1231)
    sizes = told(seed, "code-size-differs-from-log")
    assert "88,253" in sizes
    assert "58,186" in sizes
    totals = [item["message"] for item in findings(seed, "bytes-differ-from-logs")]
    totals = [message for message in totals if "seed 2025: 15,995,558 bytes claimed" in message]
    assert totals
    assert all("over the cap of 16,000,000" in message for message in totals)
    assert {"code-size-differs-from-log", "bytes-differ-from-logs"} <= flagged(seed, "claims")


def test_1073_is_written_in_mlx_and_has_no_log(mirror: str) -> None:
    seed = report(mirror, 1073)
    assert seed["submission"]["main_script"] == "train_gpt_mlx.py"
    assert seed["axes"]["legality"] == "CLEAN", "the MLX evaluation is followed into bits per byte"
    missing = {item["message"] for item in findings(seed, "missing-required-file")}
    assert missing == {"train_gpt.py is called train_gpt_mlx.py", "no train log"}
    assert seed["axes"]["package"] == "VIOLATION"


def test_1073_mixes_machines(mirror: str) -> None:
    seed = report(mirror, 1073)
    assert "mixed-hardware" in flagged(seed, "claims")
    for machine in ("apple", "h100", "rtx5090"):
        assert machine in seed["reasons"]["mixed-hardware"]


def test_1629_adapts_legally_in_the_claimed_run(mirror: str) -> None:
    seed = report(mirror, 1629)
    assert seed["axes"]["legality"] == "CLEAN"
    assert "score-first-ttt" in seed["patterns"]
    (update, *_) = findings(seed, "adaptation-order-unproven")
    assert "after these are scored" in update["message"]


def test_1629_trains_its_extra_heads_without_harm(mirror: str) -> None:
    seed = report(mirror, 1629)
    assert not flagged(seed, "legality"), "heads that only training reads are an ordinary part of it"
    assert not flagged(seed, "metric")


def test_1629_lacks_a_log(mirror: str) -> None:
    seed = report(mirror, 1629)
    assert {item["message"] for item in findings(seed, "missing-required-file")} == {"no train log"}
    assert seed["axes"]["package"] == "VIOLATION"
