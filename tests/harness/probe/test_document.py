"""The published JSON of a probe: its keys, its schema, and hostile text in it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from containers.probe_result import SCHEMA_ID
from harness.probe.document import from_document, json_schema, to_document
from harness.probe.shown import shown_of
from harness.probe.stage import STAGE
from harness.stages import report_of
from tests.containers.probe_boxes import LEAK, honest, lines, phase, probed

SCHEMA_FILE = Path(__file__).parents[3] / "docs" / "schema" / (SCHEMA_ID.replace("/", "-") + ".schema.json")
HOSTILE = "\x1b[31m@everyone <img src=x> `|"
RESULTS = {
    "clean": probed(honest()),
    "leak": probed(honest(*lines(headline=phase({**LEAK, "reason": HOSTILE, "line": HOSTILE})))),
    "nothing": probed(honest(exit_code=1, report=())),
}


def test_the_published_schema_is_the_present_one() -> None:
    assert json.loads(SCHEMA_FILE.read_text(encoding="utf-8")) == json_schema()


@pytest.mark.parametrize("name", RESULTS)
def test_every_result_fits_the_schema_and_reads_back(name: str) -> None:
    document = to_document(RESULTS[name])
    jsonschema.Draft202012Validator(json_schema()).validate(document)
    assert {"verdict", "conditions", "phases"} <= set(document)
    again = from_document(document)
    assert to_document(again) == document
    assert report_of(STAGE, again).document == document


@pytest.mark.parametrize("change", [{"verdict": "FINE"}, {"surprise": 1}, {"phases": {}}])
def test_a_bent_document_does_not_fit(change: dict[str, object]) -> None:
    validator = jsonschema.Draft202012Validator(json_schema())
    assert not validator.is_valid({**to_document(RESULTS["clean"]), **change})


def test_no_control_character_of_theirs_reaches_the_json() -> None:
    text = json.dumps(to_document(replace(RESULTS["leak"], output_tail=HOSTILE)), ensure_ascii=False)
    assert "\x1b" not in text


def test_a_report_shows_every_test_of_the_headline_with_its_power() -> None:
    rows = dict(shown_of(RESULTS["clean"]).rows)
    assert {"suffix", "normalisation", "score-once", "artifact", "reload", "headline"} <= set(rows)
    assert "planted caught 17" in rows["suffix"]
    assert "no score" in rows["headline"]
