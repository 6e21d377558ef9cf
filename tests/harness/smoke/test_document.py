"""The published JSON of a smoke run: its keys, its schema, and hostile text in it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from containers.smoke_result import SCHEMA_ID, Label, SmokeError
from harness.smoke.document import from_document, json_schema, to_document
from tests.harness.smoke.runs import HOSTILE, failed, passed

SCHEMA_FILE = Path(__file__).parents[3] / "docs" / "schema" / (SCHEMA_ID.replace("/", "-") + ".schema.json")
RESULTS = {
    "pass": passed(),
    "error": failed(Label.RUN_FAIL, SmokeError("ValueError", HOSTILE, "train_gpt.py", 3, HOSTILE)),
    "not run": failed(Label.NOT_RUN, hint="start Docker"),
}


def test_the_published_schema_is_the_present_one() -> None:
    assert json.loads(SCHEMA_FILE.read_text(encoding="utf-8")) == json_schema()


@pytest.mark.parametrize("name", RESULTS)
def test_every_result_fits_the_schema(name: str) -> None:
    document = to_document(RESULTS[name])
    jsonschema.Draft202012Validator(json_schema()).validate(document)
    assert {"label", "stage", "error", "figures", "shims", "seconds", "image"} <= set(document)


@pytest.mark.parametrize("change", [{"label": "FINE"}, {"stage": "end"}, {"surprise": 1}, {"seconds": 3}])
def test_a_bent_document_does_not_fit(change: dict[str, object]) -> None:
    validator = jsonschema.Draft202012Validator(json_schema())
    assert not validator.is_valid({**to_document(passed()), **change})


def test_a_document_reads_back_as_the_result() -> None:
    result = passed()
    assert from_document(to_document(result)) == result


def test_no_control_character_of_theirs_reaches_the_json() -> None:
    result = replace(passed(), output_tail=HOSTILE, reason=HOSTILE)
    text = json.dumps(to_document(result), ensure_ascii=False)
    assert "\x1b" not in text
    assert "\\u001b" not in text
