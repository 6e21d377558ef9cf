"""The table over labelled folders: how rows stand, what is counted, explanations that must fit, the page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from audits.errors import UserError
from containers.probe_result import ProbeResult, ProbeVerdict
from containers.smoke_result import Seconds
from harness.probe.explained import Explanations, RowExplanation, read_explanations
from harness.probe.measured import Row, Standing, goals_of
from harness.probe.page import BEGIN, END, Page, render_measured, replace_measured
from harness.score.labels import Axes, GoldLabel
from tests.containers.probe_boxes import LEAK, honest, lines, phase, probed

ROOT = Path(__file__).parents[3]
CLEAN = probed(honest())
LEAKING = probed(honest(*lines(headline=phase(LEAK))))
BLIND = probed(honest(exit_code=3))


def row(pr: int, label: str, result: ProbeResult | None, *conditions: str, legality: str = "") -> Row:
    gold = GoldLabel(pr, f"folder-{pr}", Axes(label), 0.9, conditions=conditions)  # type: ignore[arg-type]
    return Row(gold, result, "" if result else "it was not probed", legality or label)


STANDINGS = [
    (row(2, "CLEAN", CLEAN), Standing.RIGHT),
    (row(2, "CLEAN", LEAKING), Standing.WRONG),
    (row(2, "ILLEGAL", LEAKING, "C3", "C4"), Standing.RIGHT),
    (row(2, "ILLEGAL", LEAKING, "C2"), Standing.WRONG),
    (row(2, "ILLEGAL", CLEAN, "C3"), Standing.WRONG),
    (row(2, "ILLEGAL", CLEAN, "DATA"), Standing.OPEN),
    (row(2, "FLAG", LEAKING), Standing.OPEN),
    (row(2, "CLEAN", BLIND), Standing.BLIND),
    (row(2, "ILLEGAL", None, "C1"), Standing.BLIND),
    (row(2, "CLEAN", replace(CLEAN, verdict=ProbeVerdict.UNCLEAR)), Standing.UNCLEAR),
]


@pytest.mark.parametrize(("entry", "standing"), STANDINGS)
def test_a_row_stands_to_its_label(entry: Row, standing: Standing) -> None:
    assert entry.standing is standing


def met(*rows: Row) -> dict[str, bool]:
    return {goal.name: goal.met for goal in goals_of(rows)}


def test_what_did_not_run_counts_as_blind_and_against_what_was_to_be_caught() -> None:
    caught = [row(pr, "ILLEGAL", LEAKING, "C3") for pr in range(2, 20, 2)]
    name = "ILLEGAL by C1 to C4: LEAK with a right condition"
    assert met(*caught, row(20, "ILLEGAL", CLEAN, "C3"))[name]
    both = met(*caught, row(20, "ILLEGAL", None, "C3"), row(22, "ILLEGAL", BLIND, "C3"))
    assert not both[name]
    assert not both["BLIND"]
    assert both["BLIND, of those that reach the end"]


def test_one_false_alarm_breaks_the_promise_and_nothing_run_is_no_success() -> None:
    clean = [row(pr, "CLEAN", CLEAN) for pr in range(2, 400, 2)]
    assert met(*clean)["CLEAN ones called LEAK"]
    assert not met(*clean, row(400, "CLEAN", LEAKING))["CLEAN ones called LEAK"]
    assert not any(met().values())


def test_times_and_agreement_are_held_against_their_bounds() -> None:
    slow = replace(CLEAN, seconds=Seconds(300.0, 299.0, 1.0))
    told = met(row(2, "CLEAN", slow, legality="UNCLEAR"))
    assert not told["all tests, median"]
    assert not told["legality by static analysis and probe together"]
    assert met(row(2, "CLEAN", CLEAN))["suffix test with its control on two cores, median"]


def test_an_explanation_holds_for_one_verdict_and_is_stale_without_its_row() -> None:
    rows = [row(2, "CLEAN", BLIND), row(4, "CLEAN", CLEAN)]
    explained = Explanations((RowExplanation(2, ProbeVerdict.BLIND, "MLX"),))
    assert explained.missing(rows) == ()
    assert explained.stale(rows) == ()
    other = Explanations(
        (RowExplanation(2, ProbeVerdict.LEAK, "MLX"), RowExplanation(4, ProbeVerdict.CLEAN, "x"))
    )
    assert len(other.missing(rows)) == 1
    assert other.stale(rows) == ("#2 LEAK", "#4 CLEAN")


@pytest.mark.parametrize(
    "text", ["[[row]]\npr = 'x'\n", "[[row\n", "[[row]]\npr = 2\nverdict = 'FINE'\nwhy = ''"]
)
def test_a_broken_file_of_explanations_is_a_users_mistake(tmp_path: Path, text: str) -> None:
    path = tmp_path / "rows.toml"
    path.write_text(text)
    with pytest.raises(UserError):
        read_explanations(path)


def page(*rows: Row) -> Page:
    return Page(rows, Explanations(), "2026-05-01", "gold.jsonl")


def test_only_the_measured_part_of_the_page_is_replaced() -> None:
    text = f"# Probe\n\nBy hand.\n\n{BEGIN}\nmade before\n{END}\n\nMore.\n"
    made = replace_measured(text, page(row(2, "CLEAN", CLEAN)))
    assert made.startswith("# Probe\n\nBy hand.\n\n")
    assert made.endswith(f"{END}\n\nMore.\n")
    assert "made before" not in made
    assert replace_measured(made, page(row(2, "CLEAN", CLEAN))) == made
    with pytest.raises(UserError, match="marks"):
        replace_measured("# Probe\n", page())


def test_the_page_names_what_is_not_right_and_makes_their_text_harmless() -> None:
    hostile = replace(BLIND, reason="<img src=x> @everyone |")
    text = render_measured(page(row(2, "CLEAN", hostile), row(4, "CLEAN", CLEAN)))
    assert "Explained: unexplained" in text
    assert "<img" not in text
    assert "pull/4" in text


def test_the_committed_page_has_its_marks_and_the_committed_explanations_are_read() -> None:
    text = (ROOT / "docs" / "probe.md").read_text(encoding="utf-8")
    assert text.index(BEGIN) < text.index(END)
    read_explanations(ROOT / "tests" / "containers" / "probe_explanations.toml")


def test_a_page_says_how_many_rows_were_made_in_which_image() -> None:
    def made(pr: int, digest: str) -> Row:
        return row(pr, "CLEAN", replace(CLEAN, image=replace(CLEAN.image, digest=f"sha256:{digest * 32}")))

    one = render_measured(Page((made(2, "ab"), made(4, "ab")), Explanations(()), "2026-11-26", "labels"))
    assert "image abababababab, " in one
    two = render_measured(
        Page((made(2, "ab"), made(4, "ab"), made(6, "cd"), made(8, "cd")), Explanations(()), "", "labels")
    )
    assert "image abababababab (2 rows), cdcdcdcdcdcd (2 rows), " in two
