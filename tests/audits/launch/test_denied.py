"""Switches on by default that the claimed run had off: README, code and logs must agree."""

from __future__ import annotations

import pytest

from audits.challenge_loader import detect_challenge
from audits.example_folder import claims, log
from audits.facts.extract import extract
from audits.launch import LaunchPlan, launch_plan
from tests.audits.launch.entries import handed_in

SCORE = 1.2345
SCRIPT = """
import os

class Hyperparameters:
    adapt_enabled = bool(int(os.environ.get("ADAPT_ENABLED", "1")))

def main():
    args = Hyperparameters()
    if args.adapt_enabled:
        print(f"adapt:start {args}")

main()
"""
SILENT = SCRIPT.replace("adapt:start", "began")
OFF = SCRIPT.replace('"1"', '"0"')


def plan_of(
    *told: str, script: str = SCRIPT, header: str = "", claimed: float = SCORE, **more: str
) -> LaunchPlan:
    files = {"train.log": log(val_bpb=SCORE, extra_header=header), "submission.json": claims(claimed), **more}
    submission = handed_in(*told, script=script, **files)
    return launch_plan(submission, extract(submission, detect_challenge(submission)))


@pytest.mark.parametrize("told", ["- No adapt, no gradients", "- Scored first, no adapt", "Without Adapt."])
def test_a_switch_is_off_where_readme_code_and_logs_agree(told: str) -> None:
    """#758, #788: on by default, off in the run."""
    plan = plan_of(told)
    assert plan.env() == {"ADAPT_ENABLED": "0"}
    (entry,) = plan.environment
    assert (entry.source, entry.path, entry.line) == ("readme", "README.md", 3)
    assert "no log of the claimed run" in next(c.why for c in plan.choices if c.what == "ADAPT_ENABLED=0")


@pytest.mark.parametrize(
    ("told", "given"),
    [
        ("A model.", {}),
        ("- Adapt, with gradients", {}),
        # 1232: both ways are reported.
        ("- No adapt\n- With adapt: 1.01", {}),
        ("- No adapt in the ablation, no adapt", {}),
        ("- No adapt gain", {}),
        ("| no adapt |", {}),
        # A log that has the word, and one that holds no claimed score, tell nothing.
        ("- No adapt", {"header": "adapt:done"}),
        ("- No adapt", {"header": "12:00 [adapt] done"}),
        ("- No adapt", {"claimed": 1.1}),
        # Nothing would be printed of it.
        ("- No adapt", {"script": SILENT}),
        ("- No adapt", {"script": OFF}),
        ("- No adapt", {"submission.json": claims(SCORE, notes="adapt, then score")}),
        ("- No adapt\n\n```bash\npython train_gpt.py\n```", {}),
    ],
)
def test_a_single_doubt_leaves_the_default(told: str, given: dict[str, str]) -> None:
    assert plan_of(told, **given).env() == {}  # type: ignore[arg-type]


def test_without_a_log_the_default_stands() -> None:
    submission = handed_in("- No adapt", script=SCRIPT)
    assert launch_plan(submission, extract(submission, detect_challenge(submission))).env() == {}
    assert launch_plan(submission).env() == {}
