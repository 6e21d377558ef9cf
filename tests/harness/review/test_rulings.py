"""Rulings: only from the base branch, checked to the letter, and never wider than they say."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

import pytest

from audits.errors import UserError
from audits.outcome import Axis, Severity, Status
from audits.rules import discover
from audits.verdict import AxisCall, Overall
from harness.auditing import Request
from harness.review.reviewing import Plan, Reviewed, review
from harness.review.ruled import apply
from harness.review.rulings import Ruling, parse_rulings, read_rulings
from tests.audits.builders import evidence, make_outcome, make_submission
from tests.audits.repository import MAIN, Repository, record
from tests.harness.reviews import make_review

if TYPE_CHECKING:
    from pathlib import Path

TODAY = datetime.date(2026, 5, 1)
RULES = frozenset(rule.id for rule in discover())
PATH = ".referee/rulings/PR-7.toml"


def ruling_text(**changed: object) -> str:
    """Return a file with one ruling; None leaves a key out."""
    keys: dict[str, object] = {
        "rule": '"missing-required-file"',
        "decision": '"legal"',
        "who": '"octocat"',
        "why": '"The log was mailed."',
        "link": '"https://github.com/o/n/pull/7#issuecomment-1"',
        "date": "2026-04-01",
        "expires": "2026-12-01",
        **changed,
    }
    return "[[ruling]]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items() if value is not None)


def parsed(**changed: object) -> Ruling:
    return parse_rulings(ruling_text(**changed).encode(), PATH, RULES)[0]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"rule": '"no-such-rule"'}, "no rule called 'no-such-rule'"),
        ({"decision": '"fine"'}, "decision must be legal or illegal"),
        ({"who": None}, "who is missing"),
        ({"why": '" "'}, "why must be a text"),
        ({"expires": '"2026-12-01"'}, "expires must be a date"),
        ({"expires": "2026-03-01"}, "expires before it holds"),
        ({"head": '"abc"'}, "full commit id"),
        ({"verdict": '"CLEAN"'}, "unknown key verdict"),
    ],
)
def test_a_ruling_that_means_nothing_is_an_error(changed: dict[str, object], said: str) -> None:
    with pytest.raises(UserError, match=said):
        parsed(**changed)


@pytest.mark.parametrize("text", ["[[ruling]", "[rulings]\n", "\xff", "ruling = 3\n"])
def test_a_file_that_is_no_ruling_is_an_error(text: str) -> None:
    with pytest.raises(UserError):
        parse_rulings(text.encode("latin-1"), PATH, RULES)


def test_rulings_are_read_from_the_base_branch_alone(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "r.git")
    head = repository.pull(7, {**record("2026-04-01_Mine"), PATH: ruling_text()})
    assert read_rulings(repository.repo, repository.root, 7, RULES) == ()
    assert len(read_rulings(repository.repo, head, 7, RULES)) == 1
    main = repository.commit(MAIN, {PATH: ruling_text(who='"maintainer"')}, repository.root)
    assert read_rulings(repository.repo, main, 7, RULES)[0].who == "maintainer"
    assert read_rulings(repository.repo, main, 8, RULES) == ()


def test_legal_takes_the_finding_back_and_keeps_what_the_tool_said() -> None:
    flagged = make_outcome("missing-required-file", Axis.PACKAGE, Status.FLAGGED, "no log")
    ruled = apply([parsed()], [flagged], make_submission({}), TODAY)
    assert ruled.outcomes[0].status is Status.CLEAN
    assert "ruled legal by octocat on 2026-04-01" in ruled.outcomes[0].reason
    assert ruled.rulings[0].applied
    assert ruled.rulings[0].note == "flagged: no log"


def test_illegal_makes_a_finding_of_what_was_quiet() -> None:
    quiet = make_outcome("trained-on-validation", Axis.LEGALITY, Status.CLEAN, "nothing seen")
    ruling = parsed(rule='"trained-on-validation"', decision='"illegal"')
    outcome = apply([ruling], [quiet], make_submission({}), TODAY).outcomes[0]
    assert (outcome.status, outcome.severity, outcome.confidence) == (Status.FLAGGED, Severity.VIOLATION, 1.0)


@pytest.mark.parametrize("decision", ["legal", "illegal"])
def test_a_crash_of_ours_cannot_be_ruled_away(decision: str) -> None:
    crashed = make_outcome("missing-required-file", Axis.PACKAGE, Status.CRASHED, "ZeroDivisionError")
    ruled = apply([parsed(decision=f'"{decision}"')], [crashed], make_submission({}), TODAY)
    assert ruled.outcomes == (crashed,)
    assert not ruled.rulings[0].applied


def test_an_expired_ruling_and_one_for_another_head_do_not_hold() -> None:
    flagged = make_outcome("missing-required-file", Axis.PACKAGE, Status.FLAGGED, "no log")
    for changed, said in (
        ({"expires": "2026-05-01"}, "it expired on 2026-05-01"),
        ({"head": f'"{"a" * 40}"'}, "no longer the head"),
    ):
        ruled = apply([parsed(**changed)], [flagged], make_submission({}), TODAY)
        assert ruled.outcomes == (flagged,)
        assert said in ruled.rulings[0].note


def test_a_ruling_on_another_folder_is_left_out() -> None:
    flagged = make_outcome("missing-required-file", Axis.PACKAGE, Status.FLAGGED, "no log")
    ruled = apply([parsed(folder='"other"')], [flagged], make_submission({}), TODAY)
    assert (ruled.outcomes, ruled.rulings) == ((flagged,), ())


def reviewed(repository: Repository, pr: int = 7) -> Reviewed:
    return review(Plan(Request(repo=repository.path, pr=pr), skip=("smoke",), today=TODAY))


def package(judged: Reviewed) -> tuple[AxisCall, list[str]]:
    (axis,) = [axis for axis in judged.file.folders[0].axes if axis.axis is Axis.PACKAGE]
    return axis.call, axis.deciding


def test_a_ruling_changes_the_verdict_and_is_printed_as_such(tmp_path: Path) -> None:
    from io import StringIO

    from harness.report.text import render_text
    from harness.review.output import comment_of

    repository = Repository(tmp_path / "r.git")
    repository.pull(7, record("2026-04-01_Mine"))
    before = reviewed(repository)
    assert package(before) == (AxisCall.VIOLATION, ["missing-required-file"])
    repository.commit(MAIN, {PATH: ruling_text()}, repository.root)
    after = reviewed(repository)
    assert package(after)[0] is AxisCall.CLEAN
    out = StringIO()
    render_text(after.reviews, out)
    assert "ruling     missing-required-file: ruled legal by octocat on 2026-04-01: The log" in out.getvalue()
    comment = comment_of(after.file, "o/n")
    assert (
        "ruled legal by octocat on 2026-04-01, until 2026-12-01 ([where](https://github.com/o/n/pull/7"
        in comment
    )


def test_a_ruling_weighs_in_full_however_young_the_rule() -> None:
    from harness.report.review import policy_for

    young = next(iter(policy_for("practice", None).at_most), None)
    if young is not None:
        assert young not in policy_for("practice", None, frozenset({young})).at_most
    quiet = make_outcome(
        "trained-on-validation", Axis.LEGALITY, Status.CLEAN, "x", evidence("train_gpt.py", 1, "m")
    )
    ruled = apply(
        [parsed(rule='"trained-on-validation"', decision='"illegal"')], [quiet], make_submission({}), TODAY
    )
    assert make_review(ruled.outcomes).verdict.overall is Overall.ILLEGAL


def test_a_stale_rule_id_stops_the_review(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "r.git")
    repository.pull(7, record("2026-04-01_Mine"))
    repository.commit(MAIN, {PATH: ruling_text(rule='"renamed-long-ago"')}, repository.root)
    with pytest.raises(UserError, match="renamed-long-ago"):
        reviewed(repository)


def test_a_pull_request_that_brings_its_own_ruling_is_flagged_and_not_believed(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "r.git")
    repository.pull(7, {**record("2026-04-01_Mine"), PATH: ruling_text()})
    judged = reviewed(repository)
    assert {"rulings-touched", "missing-required-file"} <= set(package(judged)[1])
    assert judged.file.folders[0].rulings == []


def test_a_stage_can_be_ruled_on_and_one_that_was_not_run_is_no_error() -> None:
    ruling = parsed(rule='"smoke-escape"')
    flagged = make_outcome("smoke-escape", Axis.LEGALITY, Status.FLAGGED, "it opened a socket")
    assert apply([ruling], [flagged], make_submission({}), TODAY).outcomes[0].status is Status.CLEAN
    ruled = apply([ruling], [], make_submission({}), TODAY)
    assert not ruled.rulings[0].applied
    with pytest.raises(UserError, match="no rule called 'smok'"):
        parsed(rule='"smok"')
