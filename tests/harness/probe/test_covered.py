"""Coverage: what learns at full scale and did not run in the probe was not tested."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from audits.example_evaluation import EVALUATE, SCORE_FIRST, script
from audits.facts.code.behaviour import Update
from audits.location import Location
from audits.outcome import Axis, Condition, Evidence, Outcome, Status
from audits.runner import audit
from containers.inside.probe.blocks import ranges
from containers.probe_result import ProbeResult, ProbeVerdict
from harness.probe.covered import covered, lines_of
from tests.audits.builders import make_submission
from tests.containers.probe_boxes import LEAK, executed, honest, lines, phase, probed

if TYPE_CHECKING:
    from audits.facts import Facts

LEARNS = audit(make_submission({"train_gpt.py": script(SCORE_FIRST)})).facts
PLAIN = audit(make_submission({"train_gpt.py": script(EVALUATE)})).facts


def update() -> Update:
    assert LEARNS is not None
    return LEARNS.code.behaviour.adaptations[0]


def ran(text: str, *, leak: bool = False) -> ProbeResult:
    return probed(honest(*lines(executed(text), headline=phase(LEAK) if leak else None)))


def test_an_adaptation_that_ran_leaves_the_verdict() -> None:
    line = update().location.start_line
    result = covered(ran(f"1-2,{line}"), LEARNS)
    assert (result.verdict, result.coverage.unseen) == (ProbeVerdict.CLEAN, ())


def test_an_adaptation_that_did_not_run_makes_it_blind_and_is_named() -> None:
    line = update().location.start_line
    result = covered(ran(f"1-{line - 1}"), LEARNS)
    assert result.verdict is ProbeVerdict.BLIND
    assert f"train_gpt.py:{line}" in result.coverage.unseen[0]
    assert not result.all_clean


def test_a_leak_stays_one_whatever_did_not_run() -> None:
    result = covered(ran("1", leak=True), LEARNS)
    assert result.verdict is ProbeVerdict.LEAK
    assert result.coverage.unseen


def test_where_nothing_learns_there_is_nothing_to_cover() -> None:
    assert covered(ran("1"), PLAIN).verdict is ProbeVerdict.CLEAN


def with_log(*scores: str, claimed: float) -> Facts | None:
    log = "".join(f"final_{at} val_loss:2.0000 val_bpb:{score}\n" for at, score in enumerate(scores))
    files = {
        "train_gpt.py": script(EVALUATE),
        "train.log": f"seed:1337\n{log}",
        "submission.json": json.dumps({"val_bpb": claimed}),
    }
    return audit(make_submission(files)).facts


def test_a_claimed_score_that_no_log_holds_was_not_judged() -> None:
    """#1302, whose score a second script gives, and #1854, whose score is printed under another name."""
    result = covered(ran("1-400"), with_log("1.2345", "1.2222", claimed=1.1111))
    assert result.verdict is ProbeVerdict.BLIND
    assert "none of them the claimed score" in result.reason
    assert covered(ran("1-400", leak=True), with_log("1.2345", claimed=1.1111)).verdict is ProbeVerdict.LEAK


def test_a_claimed_score_in_a_log_or_without_any_log_is_the_runs() -> None:
    assert covered(ran("1-400"), with_log("1.2345", "1.2222", claimed=1.2222)).verdict is ProbeVerdict.CLEAN
    assert covered(ran("1-400"), with_log(claimed=1.1111)).verdict is ProbeVerdict.CLEAN


def test_a_line_is_found_where_the_box_lays_the_folder_out() -> None:
    line = update().location.start_line
    laid_out = executed(f"{line}", "records/track_10min_16mb/submission/train_gpt.py")
    made = [laid_out if entry["event"] == "probe-lines" else entry for entry in lines()]
    assert covered(probed(honest(*made)), LEARNS).verdict is ProbeVerdict.CLEAN


def test_an_unpacked_source_may_run_under_any_name() -> None:
    assert LEARNS is not None
    behaviour = LEARNS.code.behaviour
    deep = replace(update(), location=replace(update().location, layer=1))
    packed = replace(LEARNS, code=replace(LEARNS.code, behaviour=replace(behaviour, adaptations=(deep,))))
    line = update().location.start_line
    made = [*lines()[:-1], executed(f"{line}", "<unpacked 1>"), lines()[-1]]
    assert covered(probed(honest(*made)), packed).verdict is ProbeVerdict.CLEAN
    assert covered(probed(honest(*lines(executed("1")))), packed).verdict is ProbeVerdict.BLIND


def test_a_line_of_another_file_covers_nothing() -> None:
    line = update().location.start_line
    result = probed(honest(*lines(executed("1"))))
    other = replace(result.coverage.executed[0], path="other.py", ranges=f"{line}")
    result = replace(result, coverage=replace(result.coverage, executed=(other,)))
    assert covered(result, LEARNS).verdict is ProbeVerdict.BLIND


def test_what_a_rule_flags_and_never_ran_is_not_cleared() -> None:
    accused = Outcome(
        "count-keyed-by-target",
        Axis.LEGALITY,
        Condition.C2,
        Status.FLAGGED,
        "a count is keyed by the target",
        (Evidence(Location("train_gpt.py", 40, 40), "here"),),
    )
    result = covered(ran("1-39"), PLAIN, [accused])
    assert result.verdict is ProbeVerdict.BLIND
    assert "count-keyed-by-target flags at train_gpt.py:40" in result.reason
    assert covered(ran("1-40"), PLAIN, [accused]).verdict is ProbeVerdict.CLEAN
    elsewhere = replace(accused, axis=Axis.METRIC)
    assert covered(ran("1-39"), PLAIN, [elsewhere]).verdict is ProbeVerdict.CLEAN
    in_the_readme = replace(accused, evidence=(Evidence(Location("README.md", 40, 40), "here"),))
    assert covered(ran("1-39"), PLAIN, [in_the_readme]).verdict is ProbeVerdict.CLEAN


@given(st.sets(st.integers(1, 5000), max_size=60))
def test_ranges_read_back_as_the_lines_they_were_made_from(numbers: set[int]) -> None:
    text = ",".join(ranges(sorted(numbers)))
    assert {line for part in lines_of(text) for line in part} == numbers


@given(st.text(max_size=40))
def test_reading_ranges_raises_nothing(text: str) -> None:
    lines_of(text)
