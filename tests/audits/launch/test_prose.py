"""Settings that a README names in prose: which belong to the claimed run, and which do not."""

from __future__ import annotations

import pytest

from audits.challenge_loader import detect_challenge
from audits.example_folder import claims, log
from audits.facts.extract import extract
from audits.launch import LaunchPlan, launch_plan
from audits.launch.prose import MAX_MENTIONS
from tests.audits.launch.entries import handed_in

SCRIPT = """
import os

class Hyperparameters:
    eval_mode = os.environ.get("EVAL_MODE", "sliding")
    adapt = bool(int(os.environ.get("ADAPT", "0")))
    order_kept = bool(int(os.environ.get("ORDER_KEPT", "0")))
    counting = bool(int(os.environ.get("COUNTING", "1")))
    rounds = int(os.environ.get("ROUNDS", 2))
    rate = float(os.environ.get("RATE", "1e-3"))
    tokenizer = os.environ.get("TOKENIZER", "here.model")
    seed = int(os.environ.get("SEED", 1))

def main():
    args = Hyperparameters()
    print(args.eval_mode, args.adapt, args.order_kept, args.counting, args.rounds, args.rate, args.seed)

main()
"""


def plan_of(*told: str, **more: str) -> LaunchPlan:
    submission = handed_in(*told, script=SCRIPT, **more)
    return launch_plan(submission, extract(submission, detect_challenge(submission)))


def why(plan: LaunchPlan, start: str) -> str:
    return next(choice.why for choice in plan.choices if choice.what.startswith(start))


def test_a_sentence_says_with_what_the_run_was_evaluated() -> None:
    """#1534: the only trace of the evaluation that was claimed."""
    plan = plan_of(
        "We keep the base of `#12` and score a counting path with `EVAL_MODE=counts` and `ADAPT=0`."
    )
    assert plan.env() == {"EVAL_MODE": "counts"}, "what the default is already changes nothing"
    (entry,) = plan.environment
    assert (entry.source, entry.path, entry.line) == ("readme", "README.md", 3)
    assert "the default is sliding" in why(plan, "EVAL_MODE=counts")
    assert "but for what the README names" in why(plan, "no documented command")


def test_a_list_of_the_runs_settings_is_read_where_the_log_agrees() -> None:
    """#1118: the log prints two of three."""
    told = (
        "Highlights:",
        "- Layout: nine layers",
        "- Eval: windows, then (`ROUNDS=6`, `RATE=0.01`, `ADAPT=1`)",
    )
    logged = log(extra_header="rounds:6 rate:0.01", before_final="")
    plan = plan_of(*told, **{"train.log": logged, "submission.json": claims()})
    assert plan.env() == {"ROUNDS": "6", "RATE": "0.01", "ADAPT": "1"}


def test_a_list_under_a_heading_of_the_run_is_read() -> None:
    """#1706."""
    assert plan_of("## Run configuration", "", "- `ADAPT=1`", "- `ROUNDS=4`").env() == {
        "ADAPT": "1",
        "ROUNDS": "4",
    }


def test_what_is_told_to_be_off_is_off() -> None:
    """#946, #1200."""
    assert plan_of("- No counts (`COUNTING=0`)").env() == {"COUNTING": "0"}
    assert plan_of("Counting was disabled in this run (`COUNTING=0`).").env() == {"COUNTING": "0"}
    assert plan_of("Counting was disabled in this run (`COUNTING=1`, `ADAPT=1`).").env() == {}


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        # 1192: a way out.
        (("3. Plain loops when the kernel is missing or `COUNTING=0`",), "offered"),
        # 1300: a warning.
        (("If you see `ADAPT=1` in older launchers, it is **not** what was reported.",), "negated"),
        (("The score does not use `ADAPT=1`.",), "negated"),
        # 2016: an order for those who want it otherwise.
        (("**Way out:** Set `COUNTING=0` to skip the counts.",), "offered"),
        (("Adaptation can be enabled with `ADAPT=1`.",), "offered"),
        (("`ADAPT=1` turns it on; the default is off.",), "negated"),
        # 2056: what comes next.
        (("## Next runs", "", "- `ROUNDS=8`"), "another run"),
        # 1580: one run of several.
        (("- 1h run: as above with `ROUNDS=8`",), "another run"),
        (("### Config B", "", "We scored it with `ADAPT=1`."), "another run"),
        # 1976: what introduces the list counts, and so does the item above.
        (("A quick look used:", "", "- `ADAPT=1`"), "another run"),
        (("- Ablations", "  - `ADAPT=1`"), "another run"),
        (("**Ablations**", "", "We scored with `ADAPT=1`."), "another run"),
        # 662: which of the two was run is not for a machine to read.
        (("- `EVAL_MODE=counts` instead of windows",), "offered"),
        # 716: one mention that objects is enough.
        (("We used `ROUNDS=8`.", "", "## Negative results", "", "- `ROUNDS=8` lost"), "another run"),
        # 1138, 1908, 460: several values, in a table and in a fence too.
        (("- One GPU: `ROUNDS=8`", "- Two GPUs: `ROUNDS=4`"), "several values"),
        (("We used `ROUNDS=8`.", "", "| `ROUNDS=9` | 1.2 |"), "several values"),
        (("We used `ROUNDS=8`.", "", "```text", "ROUNDS = 9", "```"), "several values"),
        # A tokenizer of the author's own machine.
        (("We used `TOKENIZER=/mine/own.model`.",), "a path"),
        (("We used `ROUNDS=several`.",), "no value of the kind"),
    ],
)
def test_what_is_no_setting_of_the_claimed_run_is_left_out_with_the_reason(
    told: tuple[str, ...], reason: str
) -> None:
    plan = plan_of(*told)
    assert plan.env() == {}
    (left,) = [choice for choice in plan.choices if choice.what.endswith("is not set")]
    assert reason in left.why
    assert (left.path, left.line > 2) == ("README.md", True)


@pytest.mark.parametrize(
    "told",
    [
        # 2130: tables show what differs between runs.
        ("| adapted | `ADAPT=1` | 1.01 |",),
        ("adapted | `ADAPT=1` | 1.01",),
        ("```text", "`ADAPT=1`", "```"),
        ("<!-- `ADAPT=1` -->",),
        ("# Scored with `ADAPT=1`",),
        # No script of the folder reads it.
        ("We used `HIDDEN_SWITCH=1`.",),
        ("We used ADAPT=1.",),
        ("We used `ADAPT=1 python other.py`.",),
    ],
)
def test_what_is_no_sentence_or_no_setting_is_not_read(told: tuple[str, ...]) -> None:
    plan = plan_of(*told)
    assert plan.env() == {}
    assert not [choice for choice in plan.choices if choice.path == "README.md"]


def test_settings_that_are_named_together_stand_or_fall_together() -> None:
    """#1232: with the first of two switches alone, the code learns before it scores."""
    beside = ("Run settings:", "", "- `ADAPT=1`", "- `ORDER_KEPT=1`")
    assert plan_of(*beside).env() == {"ADAPT": "1", "ORDER_KEPT": "1"}
    doubted = plan_of(*beside, "", "## Options", "", "`ORDER_KEPT=1` is slower.")
    assert doubted.env() == {}
    assert "named beside ORDER_KEPT" in why(doubted, "ADAPT is not set")


def test_seeds_differ_between_runs_and_spoil_nothing() -> None:
    plan = plan_of("- `ADAPT=1`, `SEED=7`", "", "Also with `SEED=8`.")
    assert plan.env() == {"ADAPT": "1"}


def test_the_log_of_the_claimed_run_is_believed() -> None:
    """#1898: a remedy that the README names was not applied."""
    logged = log(extra_header="rounds:2 adapt:False", before_final="")
    files = {"train.log": logged, "submission.json": claims()}
    plan = plan_of("We used `ROUNDS=7`.", "", "Scored with `ADAPT=1`.", **files)
    assert plan.env() == {}
    assert why(plan, "ROUNDS is not set") == "the log of the claimed run has 2"


@pytest.mark.parametrize("command", ["RATE=0.1 python train_gpt.py", "bash launch_elsewhere.sh"])
def test_where_a_command_is_documented_prose_says_nothing(command: str) -> None:
    """#272, #800: the settings may be another script's."""
    told = ("Scored with `ADAPT=1`.", "", "```bash", command, "```")
    assert "ADAPT" not in plan_of(*told).env()
    assert plan_of(told[0]).env() == {"ADAPT": "1"}


def test_without_facts_nothing_is_known_to_be_read() -> None:
    assert launch_plan(handed_in("Scored with `ADAPT=1`.", script=SCRIPT)).env() == {}


def test_a_readme_of_nothing_but_settings_is_not_judged() -> None:
    told = ["Scored with `ADAPT=1`.", ""] * (MAX_MENTIONS + 1)
    assert plan_of(*told).env() == {}
    assert plan_of(*told[:20]).env() == {"ADAPT": "1"}


def test_a_setting_among_too_many_words_is_not_judged() -> None:
    plan = plan_of(*["We scored it with care."] * 200, "`ADAPT=1`.")
    assert plan.env() == {}
    assert "characters" in why(plan, "ADAPT is not set")
