"""Contested labels change the second score only, and never in silence."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from audits.errors import UserError
from harness.score.corrections import apply, read_corrections
from harness.score.labels import Axes, GoldLabel, GoldPattern, LabelFile
from harness.score.report import ScoreReport, score
from tests.harness.score.stores import Folder, calls, make_run

if TYPE_CHECKING:
    from pathlib import Path

ROW: dict[str, Any] = {
    "pr": 2,
    "folder": "f",
    "axis": "legality",
    "was": "CLEAN",
    "should_be": "ILLEGAL",
    "lines": "10-12",
    "reason": "learns first",
}
LABEL = GoldLabel(2, "f", Axes("CLEAN"), 0.9, patterns=(GoldPattern("pure-neural"),))


def write(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("# what this file is for\n" + "\n".join(json.dumps(row) for row in rows) + "\n")
    return path


def report_with(tmp_path: Path, *rows: dict[str, Any]) -> ScoreReport:
    store = make_run(tmp_path / "run", [Folder(2, "f", calls("ILLEGAL", patterns=["train-on-val"]))])
    corrections = read_corrections(write(tmp_path / "corrections.jsonl", *rows))
    return score(store, [LabelFile("gold", "0", (LABEL,), ())], corrections)


def test_both_scores_are_there(tmp_path: Path) -> None:
    report = report_with(
        tmp_path, {**ROW, "patterns_add": ["train-on-val"], "patterns_remove": ["pure-neural"]}
    )
    assert report.gold is not None
    assert report.corrected is not None
    given, corrected = report.gold.axis("legality"), report.corrected.axis("legality")
    assert given is not None
    assert corrected is not None
    assert (given.agreement.hits, corrected.agreement.hits) == (0, 1)
    assert (given.false_alarms.hits, corrected.false_alarms.hits) == (1, 0)
    assert {s.pattern: s.f1 for s in report.gold.patterns} == {"pure-neural": 0.0, "train-on-val": 0.0}
    assert {s.pattern: s.f1 for s in report.corrected.patterns} == {"train-on-val": 1.0}
    (case,) = report.gold.cases
    assert case.contested == "learns first (10-12)"
    assert report.corrected.cases == ()


def test_without_corrections_there_is_one_score(tmp_path: Path) -> None:
    report = report_with(tmp_path)
    assert report.corrected is None
    assert report.corrections is None


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"pr": 4}, "#4 f: no such label"),
        ({"folder": "g"}, "#2 g: no such label"),
        ({"was": "FLAG"}, "#2 f: legality is labelled CLEAN, not FLAG"),
        ({"axis": None, "patterns_remove": ["slot-scored"]}, "patterns are already so: slot-scored"),
        ({"axis": None}, "it corrects nothing"),
    ],
)
def test_a_correction_that_fits_nothing_is_named(tmp_path: Path, change: dict[str, Any], why: str) -> None:
    (item,) = read_corrections(write(tmp_path / "c.jsonl", {**ROW, **change}))
    found = apply([LABEL], [item])
    assert found.applied == 0
    assert found.labels == (LABEL,)
    assert why in found.stale[0]


@pytest.mark.parametrize("change", [{"reason": " "}, {"lines": ""}, {"axis": "package"}, {"pr": None}])
def test_a_correction_without_lines_or_reason_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    with pytest.raises(UserError):
        read_corrections(write(tmp_path / "c.jsonl", {**ROW, **change}))


def test_a_label_that_does_not_exist_cannot_be_wished_for(tmp_path: Path) -> None:
    (item,) = read_corrections(write(tmp_path / "c.jsonl", {**ROW, "should_be": "FINE"}))
    with pytest.raises(UserError, match="cannot be 'FINE'"):
        apply([LABEL], [item])
