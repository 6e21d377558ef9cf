"""The runner loses no stage: a crash is an outcome, and never a pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from audits import runner
from audits.challenge_loader import load_challenge
from audits.outcome import Status
from audits.policy import load_policy
from audits.verdict import Overall, decide
from tests.audits.builders import FixedRule, RaisingRule, make_submission
from tests.harness.reviews import make_facts

if TYPE_CHECKING:
    from audits.challenge import Challenge
    from audits.facts import Facts
    from audits.outcome import Outcome
    from audits.submission import Submission

CHALLENGE = load_challenge("parameter_golf")
SUBMISSION = make_submission({"train_gpt.py": "x = 1\n"})


class ForgetfulRule(FixedRule):
    """A rule that returns nothing."""

    id = "forgetful"

    def check(self, facts: Facts) -> Outcome:
        """Return None, against the contract."""
        return None  # type: ignore[return-value]


@pytest.fixture
def facts_without_code(monkeypatch: pytest.MonkeyPatch) -> None:
    def extract(submission: Submission, challenge: Challenge) -> Facts:
        return make_facts(submission)

    monkeypatch.setattr(runner, "_extractor", lambda: extract)


@pytest.mark.usefixtures("facts_without_code")
def test_a_rule_that_raises_is_crashed_and_the_others_run() -> None:
    result = runner.audit(SUBMISSION, CHALLENGE, rules=[RaisingRule(), FixedRule(), ForgetfulRule()])
    assert [outcome.status for outcome in result.outcomes] == [Status.CRASHED, Status.CLEAN, Status.CRASHED]
    assert "ZeroDivisionError: a bug in the rule" in result.outcomes[0].reason
    assert "not an Outcome" in result.outcomes[2].reason
    assert decide(result.outcomes, load_policy("practice")).overall is Overall.UNCLEAR


@pytest.mark.usefixtures("facts_without_code")
def test_stages_are_timed() -> None:
    timings = runner.audit(SUBMISSION, CHALLENGE, rules=[FixedRule()]).timings_ms
    assert list(timings) == ["challenge", "facts", "rules", "total"]
    assert timings["total"] >= timings["facts"] + timings["rules"] - 0.01


def test_facts_that_cannot_be_read_crash_every_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    def extract(submission: Submission, challenge: Challenge) -> Facts:
        raise RecursionError("too deep")

    monkeypatch.setattr(runner, "_extractor", lambda: extract)
    result = runner.audit(SUBMISSION, CHALLENGE, rules=[FixedRule(), RaisingRule()])
    assert result.facts is None
    assert result.crash is not None
    assert {outcome.status for outcome in result.outcomes} == {Status.CRASHED}
    assert all("RecursionError: too deep" in outcome.reason for outcome in result.outcomes)
    assert decide(result.outcomes, load_policy("practice")).overall is Overall.UNCLEAR
