"""Stages that follow an audit: order, skipping, crashes, and how a report weighs and shows what they find."""

from __future__ import annotations

import json
from io import StringIO
from typing import TYPE_CHECKING

import jsonschema
import pytest

from audits.errors import UserError
from audits.outcome import Axis, Condition, Outcome, Status
from audits.verdict import AxisCall, Overall
from harness.report.json_report import render_json
from harness.report.markdown import render_markdown
from harness.report.model import json_schema
from harness.report.review import Review, review_of
from harness.report.text import render_text
from harness.stages import Shown, Stage, run_stages
from tests.audits.builders import make_outcome
from tests.harness.reviews import RULES, clean, make_review

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.stages import Given, StageReport

HOSTILE = "@everyone <b>x</b>\x1b[31m | y"


def stage(
    name: str, run: Callable[[Given], object] = lambda given: "record", needs: tuple[str, ...] = ()
) -> Stage:
    flagged = Outcome(name, Axis.PACKAGE, Condition.PACKAGE, Status.FLAGGED, "helper.py is missing")
    return Stage(
        name=name,
        title="It was tried and did not run.",
        axis=Axis.PACKAGE,
        condition=Condition.PACKAGE,
        needs=needs,
        run=run,
        outcomes=lambda record: (flagged,),
        render=lambda record: Shown(f"{name} says {HOSTILE}", (("error", HOSTILE),)),
        document=lambda record: {"label": record},
    )


def audited() -> Review:
    return make_review([clean(), make_outcome("train-before-score", status=Status.CLEAN)])


def reports(*stages: Stage, skip: dict[str, str] | None = None) -> tuple[StageReport, ...]:
    return run_stages(audited().result, stages=stages, skip=skip)


def reviewed(*found: StageReport) -> Review:
    return review_of(audited().result, RULES, stages=found)


def test_a_stage_gets_the_records_of_the_stages_it_needs() -> None:
    first, second = reports(
        stage("smoke"), stage("probe", lambda given: given.earlier["smoke"] + "!", ("smoke",))
    )
    assert (first.record, second.record) == ("record", "record!")


def test_a_stage_whose_need_was_skipped_is_skipped_and_says_so() -> None:
    first, second = reports(stage("smoke"), stage("probe", needs=("smoke",)), skip={"smoke": "--skip smoke"})
    assert (first.skipped, second.skipped) == ("--skip smoke", "needs smoke")
    assert first.document is None
    assert second.outcomes == ()


def test_a_crash_is_ours_and_never_the_authors() -> None:
    def broken(given: Given) -> object:
        raise ValueError("our bug")

    (report,) = reports(stage("smoke", broken))
    assert report.outcomes[0].status is Status.CRASHED
    assert "our bug" in report.outcomes[0].reason
    assert reviewed(report).verdict.overall is Overall.UNCLEAR


def test_a_mistake_of_the_users_passes_through() -> None:
    def mistaken(given: Given) -> object:
        raise UserError("no such runtime")

    with pytest.raises(UserError, match="no such runtime"):
        reports(stage("smoke", mistaken))


def test_outcomes_of_stages_are_weighed_with_those_of_the_rules() -> None:
    review = reviewed(*reports(stage("smoke")))
    package = review.verdict.axis(Axis.PACKAGE)
    assert (package.call, package.deciding) == (AxisCall.VIOLATION, ("smoke",))
    assert review.verdict.overall is Overall.NEEDS_AUTHOR_ACTION
    assert review.title("smoke") == "It was tried and did not run."


def test_the_json_holds_the_record_and_fits_the_schema() -> None:
    review = reviewed(*reports(stage("smoke")))
    document = json.loads(render_json([review], review.policy, review.rulebook))
    jsonschema.Draft202012Validator(json_schema()).validate(document)
    assert document["reports"][0]["stages"]["smoke"]["result"] == {"label": "record"}


def test_text_of_a_stage_is_shown_as_text() -> None:
    review = reviewed(*reports(stage("smoke")))
    comment = render_markdown([review])
    assert "Nothing was executed" not in comment
    assert "<b>" not in comment.split("### Smoke")[1].split("<details>")[1]
    out = StringIO()
    render_text([review], out)
    assert "smoke says @everyone" in out.getvalue()
    assert "\x1b" not in out.getvalue() + comment


def test_a_skipped_stage_leaves_the_verdict_and_says_that_nothing_was_executed() -> None:
    review = reviewed(*reports(stage("smoke"), skip={"smoke": "no engine"}))
    assert review.verdict.overall is audited().verdict.overall
    comment = render_markdown([review])
    assert "skipped: no engine" in comment
    assert "Nothing was executed" in comment
