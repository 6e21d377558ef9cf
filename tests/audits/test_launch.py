"""The launch plan: what would be run for the claimed result, and why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from audits.challenge_loader import detect_challenge
from audits.example_folder import claims, log, readme
from audits.facts.extract import extract
from audits.launch import LaunchPlan, launch_plan
from audits.submission import SourceFile, Submission
from tests.audits.builders import make_file
from tests.audits.launch.entries import of_files

SWITCHED = """
import os
import brotli
import missing_helper

class Hyperparameters:
    ttt_enabled = bool(int(os.environ.get("TTT_ENABLED", "0")))
    lr = float(os.environ.get("MATRIX_LR", 0.04))

def main():
    print(Hyperparameters.ttt_enabled, Hyperparameters.lr)

main()
"""


def handed_in(
    command: str = "python train_gpt.py", script: str = SWITCHED, **more: str | bytes
) -> Submission:
    files: dict[str, str | bytes] = {"train_gpt.py": script, "README.md": readme(command=command), **more}
    return of_files(*(make_file(path, content) for path, content in files.items()))


def plan_of(submission: Submission) -> LaunchPlan:
    return launch_plan(submission, extract(submission, detect_challenge(submission)))


def why(plan: LaunchPlan, start: str) -> str:
    return next(choice.why for choice in plan.choices if choice.what.startswith(start))


def test_the_documented_command_gives_environment_arguments_and_processes() -> None:
    command = "SEED=42 MATRIX_LR=0.02 torchrun --standalone --nproc_per_node=8 train_gpt.py --mode diagonal"
    plan = launch_plan(handed_in(command))
    assert plan.script == "train_gpt.py"
    assert plan.arguments == ("--mode", "diagonal")
    assert plan.env() == {"SEED": "42", "MATRIX_LR": "0.02"}
    assert plan.nproc == 8
    (entry, _) = plan.environment
    assert (entry.source, entry.path, entry.line) == ("command", "README.md", 5)


def test_without_a_command_the_script_runs_with_its_defaults_and_the_plan_says_so() -> None:
    submission = of_files(make_file("train_gpt.py", SWITCHED))
    plan = launch_plan(submission)
    assert (plan.arguments, plan.environment, plan.nproc) == ((), (), None)
    assert why(plan, "no documented command") == "the script runs with its own defaults"


@pytest.mark.parametrize(
    ("assignment", "reason"),
    [
        ("SEED=$SEED", "does not say"),
        ('DATA_PATH="<your data>"', "does not say"),
        ("LD_PRELOAD=./hook.so", "load code"),
        ("PYTHONSTARTUP=x.py", "load code"),
        ("REFEREE_REPORT=/tmp/forged", "reserved"),
        ("WORLD_SIZE=8", "launcher"),
        ("HOME=/root", "author's machine"),
    ],
)
def test_a_variable_that_cannot_be_handed_on_is_dropped_with_its_reason(assignment: str, reason: str) -> None:
    plan = launch_plan(handed_in(f"A=1 {assignment} python train_gpt.py"))
    name = assignment.split("=")[0]
    assert plan.env() == {"A": "1"}
    assert reason in why(plan, f"{name} is not set")


def test_redirections_and_what_follows_a_pipe_are_no_arguments() -> None:
    command = "python train_gpt.py --fast > run.log 2>&1 | tee all.log"
    assert launch_plan(handed_in(command)).arguments == ("--fast",)


def test_a_redirection_on_a_continued_line_is_no_argument() -> None:
    command = "python train_gpt.py --fast \\\n    > train_seed42.log 2>&1"
    assert launch_plan(handed_in(command)).arguments == ("--fast",)


def test_arguments_of_another_script_are_not_given_to_the_judged_one() -> None:
    files = {"run.sh": "python train_gpt.py --depth 3\n"}
    plan = launch_plan(handed_in("bash run.sh --whatever", **files))
    assert plan.arguments == ("--depth", "3")


def test_a_switch_that_only_the_log_shows_is_laid_over_the_defaults() -> None:
    logged = log(extra_header="ttt_enabled:True matrix_lr:0.02", before_final="")
    submission = handed_in(**{"train_seed42.log": logged, "submission.json": claims()})
    plan = plan_of(submission)
    assert plan.env() == {"TTT_ENABLED": "1"}, "a logged number chooses no path and stays out"
    assert plan.environment[0].source == "log"
    assert "default is 0" in why(plan, "TTT_ENABLED=1")


def test_imports_are_listed_with_what_declares_them() -> None:
    submission = handed_in(**{"requirements.txt": "brotli>=1.0  # comment\n-r other.txt\n"})
    plan = plan_of(submission)
    assert [need.package for need in plan.needs] == ["brotli", "missing_helper"]
    assert plan.declared == {"brotli"}
    assert [(entry.name, entry.text, entry.line) for entry in plan.requirements] == [
        ("brotli", "brotli>=1.0", 1)
    ]


def test_a_helper_named_only_as_a_file_is_not_declared() -> None:
    submission = handed_in("python missing_helper.py && python train_gpt.py")
    assert "missing_helper" not in plan_of(submission).declared


def test_a_module_that_the_readme_only_speaks_of_is_not_declared() -> None:
    told = readme(
        "We train with our own `missing_helper`.", "", "Needs:", "pip install \\\\", "  brotli zstd"
    )
    plan = plan_of(handed_in(**{"README.md": told}))
    assert plan.declared == {"brotli"}


def test_files_that_are_not_laid_out_say_why_and_whether_they_can_be_had() -> None:
    absent = SourceFile("helper.py", b"", -1, "a" * 40, absent=True)
    binary = SourceFile("tokenizer.model", b"", 12, "b" * 40, unread="binary")
    link = SourceFile("data", b"", 3, "c" * 40, unread="symlink")
    climbing = make_file("../outside.py", "x")
    plan = launch_plan(of_files(make_file("train_gpt.py", SWITCHED), absent, binary, link, climbing))
    assert [path for path, _ in plan.files] == ["train_gpt.py"]
    assert {entry.path: entry.readable for entry in plan.left_out} == {
        "helper.py": False,
        "tokenizer.model": True,
        "data": False,
        "../outside.py": False,
    }


def test_the_digest_follows_what_would_be_run_and_nothing_else() -> None:
    plan = launch_plan(handed_in("A=1 python train_gpt.py"))
    assert plan.digest() == launch_plan(handed_in("A=1 python train_gpt.py")).digest()
    assert plan.digest() != launch_plan(handed_in("A=2 python train_gpt.py")).digest()
    assert plan.digest() == replace(plan, choices=()).digest()


def test_the_headline_evaluation_is_the_log_line_with_the_claimed_score() -> None:
    submission = handed_in(**{"train_seed42.log": log(val_bpb=1.2345), "submission.json": claims(1.2345)})
    assert plan_of(submission).headline_labels == ("final_int8_zlib_roundtrip_exact",)


def test_without_a_log_the_headline_evaluation_is_what_the_claims_quote() -> None:
    told = "Seed 42: quantized_sliding_window val_bpb=1.23451234, after tuning quantized_ttt val_bpb=1.2298"
    submission = handed_in(**{"submission.json": claims(1.23451234, notes=told)})
    assert plan_of(submission).headline_labels == ("quantized_sliding_window",)
    assert plan_of(handed_in(**{"submission.json": claims(1.5, notes=told)})).headline_labels == ()
