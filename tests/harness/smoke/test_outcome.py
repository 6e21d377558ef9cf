"""What a smoke run says on the axes of a verdict: who is blamed, and who never is."""

from __future__ import annotations

import pytest

from audits.outcome import Axis, Severity, Status
from audits.policy import POLICY_NAMES, load_policy
from audits.verdict import AxisCall, Overall, decide
from containers.smoke_result import Label, SmokeError, summary
from harness.smoke.outcome import outcomes_of
from harness.smoke.stage import STAGE
from harness.stages import report_of, run_stages
from tests.audits.builders import make_outcome
from tests.containers.smoke_boxes import honest
from tests.harness.reviews import make_review
from tests.harness.smoke.runs import failed, passed, recorded

ERROR = SmokeError(
    "ModuleNotFoundError", "No module named 'env_utils'", "train_gpt.py", 4, "import env_utils"
)
LEGAL = make_outcome("legal", status=Status.CLEAN)


@pytest.mark.parametrize("policy", POLICY_NAMES)
@pytest.mark.parametrize("label", [Label.IMPORT_FAIL, Label.BUILD_FAIL, Label.FORWARD_FAIL, Label.RUN_FAIL])
def test_a_submission_that_does_not_run_is_flagged_on_package_and_no_worse(label: Label, policy: str) -> None:
    verdict = decide((LEGAL, *outcomes_of(failed(label, ERROR))), load_policy(policy))
    assert verdict.axis(Axis.PACKAGE).call is AxisCall.FLAG
    assert verdict.overall is Overall.NEEDS_AUTHOR_ACTION
    assert verdict.deciding == ("smoke",)


def test_the_missing_module_and_the_line_that_wants_it_are_named() -> None:
    error = SmokeError(
        "ModuleNotFoundError", "No module named 'env_utils'", "train_gpt.py", 4, missing_module="env_utils"
    )
    (outcome,) = outcomes_of(failed(Label.IMPORT_FAIL, error))
    assert outcome.reason == "it imports env_utils, which the folder does not hold"
    where = outcome.evidence[0].location
    assert where is not None
    assert (where.path, where.start_line) == ("train_gpt.py", 4)


@pytest.mark.parametrize("label", [Label.SHIM_GAP, Label.INFRA_FAULT, Label.NOT_RUN])
def test_what_we_lack_says_nothing_and_leaves_the_verdict(label: Label) -> None:
    outcomes = outcomes_of(failed(label, ERROR))
    assert [entry.status for entry in outcomes] == [Status.NOT_APPLICABLE]
    assert decide((LEGAL, *outcomes), load_policy("practice")).overall is Overall.CLEAN


@pytest.mark.parametrize("label", [Label.TIMEOUT, Label.RESOURCE])
def test_a_limit_of_our_box_is_shown_and_weighs_nothing(label: Label) -> None:
    (outcome,) = outcomes_of(failed(label, ERROR))
    assert (outcome.status, outcome.severity) == (Status.FLAGGED, Severity.NOTE)
    assert decide((LEGAL, outcome), load_policy("practice")).overall is Overall.CLEAN


def test_an_attempt_to_escape_is_for_a_person_to_look_at() -> None:
    verdict = decide((LEGAL, *outcomes_of(failed(Label.ESCAPE_ATTEMPT, ERROR))), load_policy("practice"))
    assert verdict.axis(Axis.LEGALITY).call is AxisCall.FLAG
    assert verdict.overall is Overall.FLAG


def test_a_pass_is_clean_on_package_and_says_nothing_on_legality() -> None:
    outcomes = outcomes_of(passed())
    assert [(entry.axis, entry.status) for entry in outcomes] == [(Axis.PACKAGE, Status.CLEAN)]


def test_the_line_is_the_communitys() -> None:
    assert summary(passed()) == (
        "import OK in 0.03s, dim=512, layers=9, vocab=1024, code=45 B, SMOKE_TEST_PASS"
    )


def test_a_failed_import_reads_as_the_community_wrote_it() -> None:
    from dataclasses import replace

    result = failed(Label.IMPORT_FAIL, ERROR)
    result = replace(result, figures=replace(result.figures, import_seconds=None))
    assert summary(result) == "IMPORT_FAIL ModuleNotFoundError: No module named 'env_utils'"


def test_the_stage_runs_the_audited_submission_in_the_workshop_it_is_given() -> None:
    workshop, asked = recorded(honest())
    audit = make_review([LEGAL], files={"train_gpt.py": "print(1)\n"}).result
    (report,) = run_stages(audit, {"smoke": workshop}, stages=[STAGE])
    assert report.record.label is Label.PASS
    assert dict(asked[0].files)["train_gpt.py"] == b"print(1)\n"
    assert report.document is not None
    assert report.document["label"] == "PASS"


def test_a_stored_result_gives_the_report_that_it_gave_when_it_was_fresh() -> None:
    from harness.smoke.document import from_document, to_document

    result = failed(Label.IMPORT_FAIL, ERROR)
    assert report_of(STAGE, from_document(to_document(result))) == report_of(STAGE, result)
