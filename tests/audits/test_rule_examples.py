"""Every rule is held to its own documentation and examples. No rule is named here."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from audits.challenge_loader import load_challenge
from audits.intake import load
from audits.outcome import Status
from audits.policy import POLICY_NAMES, load_policy
from audits.rules import discover
from audits.rules_docs import paragraphs
from audits.runner import audit
from audits.submission import Change, ChangeStatus, Origin, OriginKind
from tests.audits.builders import FOLDER, TRACK

if TYPE_CHECKING:
    from pathlib import Path

    from audits.outcome import Outcome
    from audits.rule import Example, Rule
    from audits.submission import Submission

RULES = discover()
FLAGGED = [(rule, example) for rule in RULES for example in rule.flagged]
UNCLEAR = [(rule, example) for rule in RULES for example in rule.unclear]
CLEAN = [(rule, example) for rule in RULES for example in rule.clean]


def ids(pairs: list[tuple[Rule, Example]]) -> list[str]:
    return [f"{rule.id}: {example.title}" for rule, example in pairs]


def in_pull_request(submission: Submission, example: Example) -> Submission:
    """Return the submission as one that a pull request adds, with the example's further changes."""
    path = f"records/{TRACK}/{FOLDER}"
    own = tuple(Change(f"{path}/{file.path}", ChangeStatus.ADDED) for file in submission.files)
    more = tuple(Change(name, ChangeStatus(status)) for status, name in example.changes)
    return replace(submission, origin=Origin(OriginKind.GIT, path, pr=1), path=path, changes=own + more)


def outcome_of(rule: Rule, example: Example, root: Path) -> Outcome:
    """Write the example as a record folder and audit it with its rule, through the real intake."""
    folder = root / "records" / TRACK / FOLDER
    folder.mkdir(parents=True)
    for path, text in (("train_gpt.py", textwrap.dedent(example.code)), *example.files):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    (submission,) = load(str(folder)).submissions
    if example.changes:
        submission = in_pull_request(submission, example)
    result = audit(submission, load_challenge("parameter_golf"), rules=[rule])
    assert result.crash is None, result.crash
    return result.outcomes[0]


@pytest.mark.parametrize(("rule", "example"), FLAGGED, ids=ids(FLAGGED))
def test_flagged_example_is_flagged(rule: Rule, example: Example, tmp_path: Path) -> None:
    outcome = outcome_of(rule, example, tmp_path)
    assert outcome.status is Status.FLAGGED, f"missed alarm: {outcome.status}: {outcome.reason}"
    assert outcome.reason
    unknown = [n for n in POLICY_NAMES if outcome.dispute and outcome.dispute not in load_policy(n).disputes]
    assert not unknown, f"no reading of the dispute {outcome.dispute} in {unknown}"


@pytest.mark.parametrize(("rule", "example"), CLEAN, ids=ids(CLEAN))
def test_clean_example_stays_quiet(rule: Rule, example: Example, tmp_path: Path) -> None:
    outcome = outcome_of(rule, example, tmp_path)
    quiet = (Status.CLEAN, Status.DORMANT, Status.NOT_APPLICABLE)
    assert outcome.status in quiet, f"false alarm: {outcome.status}: {outcome.reason}"


@pytest.mark.parametrize(("rule", "example"), UNCLEAR, ids=ids(UNCLEAR))
def test_unclear_example_is_left_to_a_person(rule: Rule, example: Example, tmp_path: Path) -> None:
    outcome = outcome_of(rule, example, tmp_path)
    assert outcome.status is Status.UNCLEAR, f"{outcome.status}: {outcome.reason}"


@pytest.mark.parametrize("rule", RULES, ids=[rule.id for rule in RULES])
def test_rule_is_documented(rule: Rule) -> None:
    said = paragraphs(rule)
    assert said[""].endswith("."), "the first line states the offence in a sentence"
    assert all(said.get(name) for name in ("Why", "Looks for", "Blind to")), "Why, Looks for, Blind to"
    assert rule.flagged or rule.unclear, "at least one example of what it objects to"
    assert rule.clean, "at least one clean example"
    assert rule.sources, "at least one source"
    for source in rule.sources:
        assert source.what
        assert source.who
        assert source.says
        assert len(source.date) == len("2026-03-18")


def test_policies_name_only_rules_that_exist() -> None:
    known = {rule.id for rule in RULES}
    for name in POLICY_NAMES:
        assert set(load_policy(name).at_most) <= known
