"""The measured run: promises held, explanations that must fit, the community's lines, and the page itself."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from audits.errors import UserError
from containers.smoke_result import Label, Seconds, SmokeError
from harness.score.labels import CommunityLabel
from harness.smoke.community import compare, disagreements, lines_of, went_further
from harness.smoke.explained import Explanations, LineExplanation, RunExplanation, read_explanations
from harness.smoke.measured import Run, goals_of, percentile
from harness.smoke.page import Page, render_page, unexplained
from scripts.smoke_sample import FOUNDING, SAMPLE, WANTED, drawn
from tests.harness.smoke.runs import HOSTILE, failed, passed

PASSED = "import OK in 0.03s, dim=512, layers=9, vocab=1024, code=45 B, SMOKE_TEST_PASS"


def run(pr: int, label: Label = Label.PASS, seconds: float = 20.0, **changes: Any) -> Run:
    result = passed() if label is Label.PASS else failed(label, SmokeError("E", "m"), **changes)
    result = replace(result, seconds=Seconds(seconds, seconds - 1.0, 1.0))
    return Run(pr, 0, f"folder-{pr}", "a" * 40, result)


def met(runs: list[Run], explained: Explanations | None = None) -> dict[str, bool]:
    return {goal.name: goal.met for goal in goals_of(runs, explained or Explanations())}


def said(pr: int, smoke: str | None) -> CommunityLabel:
    return CommunityLabel(pr, "somebody", "CLEAN", smoke=smoke)


def test_percentiles_are_values_that_occur() -> None:
    values = [float(value) for value in range(1, 21)]
    assert (percentile(values, 50), percentile(values, 95), percentile([], 50)) == (10.0, 19.0, None)
    assert percentile([7.0], 95) == 7.0


def test_a_fault_counts_as_settled_only_where_a_reader_confirmed_it() -> None:
    runs = [*(run(pr) for pr in range(2, 40, 2)), run(40, Label.RUN_FAIL), run(42, Label.RUN_FAIL)]
    name = "reach the end, or a reader confirms a fault of theirs"
    assert not met(runs)[name]
    confirmed = Explanations([RunExplanation(40, Label.RUN_FAIL, "read", theirs=True)])
    assert met(runs, confirmed)[name]
    unconfirmed = Explanations([RunExplanation(40, Label.RUN_FAIL, "read", theirs=False)])
    assert not met(runs, unconfirmed)[name]


def test_a_gap_of_ours_can_never_be_confirmed_as_theirs() -> None:
    explained = Explanations([RunExplanation(2, Label.SHIM_GAP, "said to be theirs", theirs=True)])
    assert not explained.is_theirs(run(2, Label.SHIM_GAP))


def test_gaps_and_faults_of_the_environment_count_against_us() -> None:
    runs = [*(run(pr) for pr in range(2, 34, 2)), run(34, Label.SHIM_GAP)]
    assert met(runs)["SHIM_GAP, INFRA_FAULT, NOT_RUN"]
    assert not met([*runs, run(36, Label.INFRA_FAULT)])["SHIM_GAP, INFRA_FAULT, NOT_RUN"]


def test_times_are_held_against_their_bounds_and_nothing_run_is_no_success() -> None:
    assert met([run(2, seconds=24.0)])["median, end to end"]
    assert not met([run(2, seconds=26.0)])["median, end to end"]
    assert not any(met([]).values())


def test_an_explanation_fits_its_label_alone() -> None:
    explained = Explanations([RunExplanation(2, Label.RUN_FAIL, "because")])
    assert explained.missing([run(2, Label.IMPORT_FAIL)], ()) == ("#2 folder-2: IMPORT_FAIL",)
    assert explained.stale([run(2, Label.IMPORT_FAIL)], ()) == ("#2 RUN_FAIL",)
    assert (
        explained.missing([run(2, Label.RUN_FAIL)], ()) == explained.stale([run(2, Label.RUN_FAIL)], ()) == ()
    )


def test_a_file_of_explanations_is_read_strictly(tmp_path: Path) -> None:
    file = tmp_path / "explanations.toml"
    file.write_text(
        '[[run]]\npr = 2\nlabel = "RUN_FAIL"\nwhy = "w"\ntheirs = true\n[[line]]\npr = 4\nwhy = "l"\n'
    )
    explained = read_explanations(file)
    assert explained.is_theirs(run(2, Label.RUN_FAIL))
    assert explained.lines == {4: "l"}
    file.write_text('[[run]]\npr = 2\nlabel = "FINE"\nwhy = "w"\n')
    with pytest.raises(UserError, match=r"0\.label"):
        read_explanations(file)


def test_lines_are_read_with_the_figures_that_are_whole() -> None:
    cut = said(8, "import OK in 12.31s, dim=512, layers=11, vocab=819(cut)")
    unfinished = said(6, "import OK in 0.03s, dim=512, code=676")
    lines = lines_of([cut, said(4, PASSED), unfinished, said(2, None), said(5, PASSED)])
    assert [(line.pr, line.figures) for line in lines] == [
        (4, {"dim": 512, "layers": 9, "vocab": 1024, "code": 45}),
        (6, {"dim": 512}),
        (8, {"dim": 512, "layers": 11}),
    ]


def test_a_line_is_met_by_the_same_import_and_the_same_figures() -> None:
    lines = lines_of([said(2, PASSED), said(4, PASSED.replace("layers=9", "layers=10")), said(6, PASSED)])
    compared = compare(lines, [run(2), run(4)])
    assert [(entry.pr, entry.what) for entry in disagreements(compared)] == [
        (4, "layers: theirs 10, ours 9"),
        (6, "no run of this pull request"),
    ]
    assert went_further(compared) == 2


def test_an_import_that_fails_on_one_side_only_is_a_disagreement() -> None:
    lines = lines_of([said(2, "IMPORT_FAIL ModuleNotFoundError: No module named 'mlx'")])
    (entry,) = disagreements(compare(lines, [run(2)]))
    assert entry.what.endswith("ours: it imports")


def test_the_page_explains_every_run_that_did_not_pass_and_says_where_nobody_did() -> None:
    runs = (run(2), run(4, Label.RUN_FAIL), run(6, Label.SHIM_GAP))
    explained = Explanations(
        [RunExplanation(4, Label.RUN_FAIL, "reads a file that is not there", theirs=True)],
        [LineExplanation(2, "they ran an older head")],
    )
    compared = compare(lines_of([said(2, PASSED.replace("dim=512", "dim=256"))]), runs)
    page = Page(runs, explained, compared, "2026-11-25")
    text = render_page(page)
    assert "RUN\\_FAIL, the submission's" in text
    assert "Explained: reads a file that is not there" in text
    assert "SHIM\\_GAP, ours" in text
    assert "Explained: unexplained" in text
    assert "Explained: they ran an older head" in text
    assert unexplained(page) == ("#6 folder-6: SHIM_GAP",)


def test_words_of_a_submission_stay_words_on_the_page() -> None:
    bad = replace(run(4, Label.RUN_FAIL), folder=HOSTILE)
    bad = replace(bad, result=replace(bad.result, reason=HOSTILE, error=SmokeError("E", HOSTILE)))
    text = render_page(Page((bad,), Explanations(), (), "2026-11-25"))
    assert "<img" not in text
    assert "\x1b" not in text
    assert not re.search(r"(?<!\u200b)@(?!\u200b)everyone", text)


def test_the_sample_is_a_hundred_even_numbers_and_the_founding_entries() -> None:
    numbers = drawn(SAMPLE)
    assert len([number for number in numbers if number % 2 == 0]) == WANTED
    assert [number for number in numbers if number % 2] == sorted(FOUNDING)
