"""The published JSON: the keys that others rely on, and a schema that is what is shipped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from audits.outcome import Axis, Status
from audits.submission import Origin, OriginKind
from harness.report.json_report import render_json
from harness.report.model import SCHEMA_ID, json_schema
from tests.audits.builders import make_outcome
from tests.harness.reviews import clean, illegal, make_review

SCHEMA_FILE = Path(__file__).parents[2] / "docs" / "schema" / (SCHEMA_ID.replace("/", "-") + ".schema.json")


def document(*args: Any, **options: Any) -> dict[str, Any]:
    review = make_review(*args, **options)
    rendered = json.loads(render_json([review], review.policy, review.rulebook))
    jsonschema.Draft202012Validator(json_schema()).validate(rendered)
    return rendered  # type: ignore[no-any-return]


def test_the_keys_that_others_rely_on() -> None:
    origin = Origin(OriginKind.GIT, "mirror", ref="refs/pull/7/head", pr=7, head_sha="a" * 40)
    sleeper = make_outcome("sleeper", status=Status.DORMANT, dormant=("slot-scored",))
    whole = document([illegal(), clean(), sleeper], origin=origin)
    assert {"schema", "policy", "rulebook", "reports"} <= set(whole)
    (report,) = whole["reports"]
    assert report["submission"] == {
        "path": "records/track_10min_16mb/2026-04-01_Example",
        "pr": 7,
        "head_sha": "a" * 40,
        "track": "track_10min_16mb",
        "folder": "2026-04-01_Example",
        "main_script": "train_gpt.py",
        "code_bytes": dict.fromkeys(("strict", "readme", "practice"), 541),
    }
    assert report["verdict"] == "ILLEGAL"
    assert report["axes"] == {
        "legality": "ILLEGAL",
        "limits": "CLEAN",
        "metric": "NOT_APPLICABLE",
        "package": "NOT_APPLICABLE",
        "claims": "NOT_APPLICABLE",
        "record": "NOT_APPLICABLE",
    }
    assert report["deciding"] == ["train-before-score"]
    assert report["patterns"] == ["prequant-ttt"]
    assert report["dormant"] == ["slot-scored"]
    assert report["outcomes"] == {"train-before-score": "flagged", "too-large": "clean", "sleeper": "dormant"}
    assert report["policies"] == {"practice": "ILLEGAL", "readme": "ILLEGAL", "strict": "ILLEGAL"}
    assert report["timings_ms"]["total"] == 2.0


def test_a_finding_carries_its_lines_and_what_they_weigh() -> None:
    finding = document([illegal(layer=1), clean()], packed=True)["reports"][0]["findings"][0]
    assert finding | {"source": ""} == {
        "rule": "train-before-score",
        "axis": "legality",
        "condition": "C3",
        "outcome": "flagged",
        "severity": "violation",
        "confidence": 0.95,
        "path": "train_gpt.py",
        "layer": 1,
        "start_line": 12,
        "end_line": 14,
        "message": "the step comes first",
        "source": "",
        "effect": "violation",
        "pattern": "prequant-ttt",
        "annotated_line": 2,
        "excerpt": ["line_12 = 12", "line_13 = 13", "line_14 = 14"],
    }


def test_an_outcome_without_a_place_is_still_a_finding() -> None:
    crashed = make_outcome("broken", Axis.METRIC, Status.CRASHED, "the rule raised:\nZeroDivisionError")
    (finding,) = document([crashed])["reports"][0]["findings"]
    assert (finding["outcome"], finding["path"], finding["start_line"]) == ("crashed", None, None)
    assert "ZeroDivisionError" in finding["message"]


def test_the_record_block_is_arithmetic_on_claims() -> None:
    seeds = {"42": {"val_bpb": 1.2}, "7": {"val_bpb": 1.22}, "9": {"val_bpb": 1.24}}
    files = {"submission.json": json.dumps({"name": "x", "val_bpb": 1.22, "seed_results": seeds})}
    record = document([clean()], files=files)["reports"][0]["record"]
    assert [entry["seed"] for entry in record["seeds"]] == [42, 7, 9]
    assert record["from_logs"] is False
    assert record["mean_bpb"] == pytest.approx(1.22)
    assert record["std_bpb"] == pytest.approx(0.02)
    assert record["significance"] == "practised"


def test_names_of_theirs_cannot_break_the_document() -> None:
    whole = document([illegal(message='"},\x00\udcff\x1b[2J')], folder="a\udcffb\u202e")
    report = whole["reports"][0]
    assert report["submission"]["folder"] == "a\\udcffb\\u202e"
    assert report["findings"][0]["message"] == '"},\\x00\\udcff\\x1b[2J'


def test_no_report_at_all_is_a_valid_document() -> None:
    review = make_review([clean()])
    jsonschema.validate(json.loads(render_json([], review.policy, "0")), json_schema())


def test_the_published_schema_is_the_one_in_force() -> None:
    assert json.loads(SCHEMA_FILE.read_text()) == json_schema(), "run `referee schema > docs/schema/...`"
