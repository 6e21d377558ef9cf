"""Label files: told apart by their keys, refused by line number."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from audits.errors import UserError
from harness.score.concerns import axes_of, axis_of_tag
from harness.score.labels import read_label_file

if TYPE_CHECKING:
    from pathlib import Path

GOLD: dict[str, Any] = {
    "pr": 8,
    "head_sha": "ab",
    "track": "track_10min_16mb",
    "folder": "one",
    "file": "train_gpt.py (packed)",
    "axes": {"legality": "CLEAN", "metric": "VIOLATION", "limits": "UNJUDGED"},
    "conditions": [],
    "patterns": [
        {"name": "pure-neural", "lines": "1-2", "reachable": True, "note": ""},
        {"name": "slot-scored", "lines": "3", "reachable": False, "note": ""},
        {"name": "other:thing", "lines": "4", "reachable": True, "note": ""},
    ],
    "dormant": [],
    "round": 2,
    "confidence": 0.6,
    "why": "because",
    "named_in_rules": False,
}
SAID: dict[str, Any] = {
    "pr": 10,
    "title": "t",
    "state": None,
    "source": "cocohearts",
    "verdict": "CLOSED_ILLEGAL",
    "pattern": ["train-on-val"],
    "head_sha": None,
    "file": None,
    "line": None,
    "smoke": None,
    "evidence": "said so",
    "url": "",
}


def write(path: Path, *rows: Any) -> Path:
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows) + "\n")
    return path


def test_both_formats_are_told_apart_by_their_keys(tmp_path: Path) -> None:
    found = read_label_file(write(tmp_path / "labels.jsonl", GOLD, "", SAID))
    (gold,), (said,) = found.gold, found.community
    assert (found.rows, gold.pr, said.pr) == (2, 8, 10)
    assert gold.axes.on("metric") == "VIOLATION"
    assert said.from_maintainer
    assert len(found.sha256) == 64


def test_only_reachable_patterns_with_a_name_are_scored(tmp_path: Path) -> None:
    (gold,) = read_label_file(write(tmp_path / "labels.jsonl", GOLD)).gold
    assert gold.reachable == {"pure-neural"}


def test_a_confidence_of_exactly_six_tenths_is_enough(tmp_path: Path) -> None:
    rows = [GOLD, {**GOLD, "folder": "two", "confidence": 0.59}]
    sure, unsure = read_label_file(write(tmp_path / "labels.jsonl", *rows)).gold
    assert sure.confident
    assert not unsure.confident


def test_a_line_separator_inside_a_text_does_not_end_the_line(tmp_path: Path) -> None:
    row = json.dumps({**GOLD, "why": "a\u2028b"}, ensure_ascii=False)
    (gold,) = read_label_file(write(tmp_path / "labels.jsonl", row)).gold
    assert gold.why == "a\u2028b"


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("{", "line 2: not JSON"),
        ("[]", "line 2: not a label"),
        ({"pr": 1}, "line 2: not a label"),
        ({**GOLD, "axes": {"legality": "FINE"}}, "line 2: axes.legality"),
        ({**SAID, "verdict": "MAYBE"}, "line 2: verdict"),
        ({**GOLD, "pr": "x"}, "line 2: pr"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, row: Any, complaint: str) -> None:
    with pytest.raises(UserError) as told:
        read_label_file(write(tmp_path / "labels.jsonl", GOLD, row))
    assert complaint in told.value.message


def test_an_empty_file_and_a_missing_one_are_mistakes(tmp_path: Path) -> None:
    for path in (write(tmp_path / "empty.jsonl", ""), tmp_path / "missing.jsonl"):
        with pytest.raises(UserError):
            read_label_file(path)


@pytest.mark.parametrize(
    ("tag", "axis"),
    [
        ("tokenizer-bytes-bug", "metric"),
        ("train-over-600s", "limits"),
        ("artifact-over-cap", "limits"),
        ("non-record-artifact", "record"),
        ("irreproducible", "claims"),
        ("prequant-ttt", "legality"),
        ("ppm-byte-mixture-c2", "legality"),
        ("train-val-overlap", "legality"),
        ("slot-scored-region", "legality"),
        ("ngram-target-in-key", "legality"),
        ("import-fail", "package"),
        ("author-retraction", None),
        ("depth-recurrence", None),
    ],
)
def test_a_tag_concerns_an_axis(tag: str, axis: str | None) -> None:
    assert axis_of_tag(tag) == axis


def test_a_statement_may_concern_several_axes_or_none() -> None:
    assert axes_of(["prequant-ttt", "eval-over-600s", "train-on-val"]) == ("legality", "limits")
    assert axes_of(["depth-recurrence"]) == ()
