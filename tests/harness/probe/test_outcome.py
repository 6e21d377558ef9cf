"""What a probe says on the axes of a verdict: leaks decide, blindness is silent, disputes stay disputes."""

from __future__ import annotations

import pytest

from audits.outcome import Axis, Severity, Status
from audits.policy import POLICY_NAMES, load_policy
from audits.verdict import AxisCall, Overall, decide
from containers.probe_result import ProbeVerdict
from harness.probe.outcome import outcomes_of
from harness.probe.weighed import weighed
from tests.audits.builders import make_outcome
from tests.containers.probe_boxes import CHILD, LEAK, ended, honest, lines, phase, probed, whole

STATIC_CLEAN = make_outcome("static", status=Status.CLEAN)
OPEN = make_outcome("adaptation-order-unproven", status=Status.UNCLEAR, yields_to=("probe",))


@pytest.mark.parametrize("policy", POLICY_NAMES)
def test_a_leak_on_the_headline_is_illegal_whatever_the_rules_thought(policy: str) -> None:
    outcomes = outcomes_of(probed(honest(*lines(headline=phase(LEAK)))))
    verdict = decide((STATIC_CLEAN, *outcomes), load_policy(policy))
    assert verdict.overall is Overall.ILLEGAL
    assert verdict.deciding == ("probe-suffix",)


def test_a_leak_points_at_the_line_of_the_sum() -> None:
    (outcome,) = outcomes_of(probed(honest(*lines(headline=phase(LEAK)))))
    where = outcome.evidence[0].location
    assert where is not None
    assert (where.path, where.start_line, outcome.condition) == ("train_gpt.py", 3, "C3")


def test_each_leak_is_an_outcome_under_its_own_condition() -> None:
    box = honest(*lines(whole("artifact", "LEAK", condition="DATA"), headline=phase(LEAK)))
    found = outcomes_of(probed(box))
    assert [(entry.rule, entry.condition.value) for entry in found] == [
        ("probe-suffix", "C3"),
        ("probe-artifact", "DATA"),
    ]


@pytest.mark.parametrize("policy", POLICY_NAMES)
def test_what_one_rank_learned_in_anothers_scores_is_illegal(policy: str) -> None:
    ranked = whole("rank-slices", "LEAK", condition="C3")
    verdict = decide((STATIC_CLEAN, *outcomes_of(probed(honest(*lines(ranked))))), load_policy(policy))
    assert verdict.overall is Overall.ILLEGAL
    assert verdict.deciding == ("probe-rank-slices",)


def test_bytes_counted_wrongly_are_a_violation_of_the_metric() -> None:
    miscounted = ended("score-once", "LEAK", condition="BPB")
    found = outcomes_of(probed(honest(*lines(headline=phase(miscounted)))))
    verdict = decide((STATIC_CLEAN, *found), load_policy("practice"))
    assert verdict.axis(Axis.METRIC).call is AxisCall.VIOLATION
    assert verdict.axis(Axis.LEGALITY).call is AxisCall.CLEAN
    assert verdict.overall is Overall.VIOLATION


def test_a_disputed_pattern_that_explains_the_leak_leaves_it_to_the_policy() -> None:
    slot = make_outcome(
        "slot", status=Status.FLAGGED, severity=Severity.DISPUTED, dispute="context-only-slot"
    )
    batch = ended("suffix", "LEAK", condition="C1", pattern="batch")
    result = weighed(probed(honest(*lines(headline=phase(batch)))), (slot,))
    verdict = decide((slot, *outcomes_of(result)), load_policy("practice"))
    assert verdict.overall is Overall.FLAG


def test_a_dispute_explains_no_leak_of_another_kind() -> None:
    slot = make_outcome(
        "slot", status=Status.FLAGGED, severity=Severity.DISPUTED, dispute="context-only-slot"
    )
    result = weighed(probed(honest(*lines(headline=phase(LEAK)))), (slot,))
    assert decide((slot, *outcomes_of(result)), load_policy("practice")).overall is Overall.ILLEGAL


def test_clean_on_every_test_answers_a_rule_that_yields_to_it() -> None:
    policy = load_policy("practice")
    assert decide((OPEN,), policy).overall is Overall.UNCLEAR
    assert decide((OPEN, *outcomes_of(probed(honest()))), policy).overall is Overall.CLEAN


def test_clean_answers_no_rule_that_does_not_yield_and_no_violation() -> None:
    clean, policy = outcomes_of(probed(honest())), load_policy("practice")
    other = make_outcome("other", status=Status.UNCLEAR)
    guilty = make_outcome("guilty", status=Status.FLAGGED, yields_to=("probe",))
    assert decide((other, *clean), policy).overall is Overall.UNCLEAR
    assert decide((guilty, *clean), policy).overall is Overall.ILLEGAL


@pytest.mark.parametrize("test", ["update-order", "normalisation"])
def test_clean_with_a_blind_test_answers_nothing(test: str) -> None:
    outcomes = outcomes_of(probed(honest(*lines(headline=phase(ended(test, "BLIND"))))))
    assert decide((OPEN, *outcomes), load_policy("practice")).overall is Overall.UNCLEAR


@pytest.mark.parametrize("change", [{"exit_code": 3}, {"report": ()}])
def test_blind_says_nothing_against_and_nothing_for(change: dict[str, object]) -> None:
    result = probed(honest(**change))
    assert result.verdict is ProbeVerdict.BLIND
    outcomes = outcomes_of(result)
    assert decide((STATIC_CLEAN, *outcomes), load_policy("practice")).overall is Overall.CLEAN
    assert decide(outcomes, load_policy("practice")).axis(Axis.LEGALITY).call is AxisCall.UNCLEAR


def test_tampering_is_for_a_person_to_look_at() -> None:
    made = lines()
    result = probed(honest(*made[:-1], phase(sender=CHILD), made[-1]))
    assert decide((STATIC_CLEAN, *outcomes_of(result)), load_policy("practice")).overall is Overall.FLAG


def test_a_documents_boundary_is_told_and_never_illegal() -> None:
    outcomes = outcomes_of(probed(honest(*lines(headline=phase(ended("document-boundary", "LEAK"))))))
    assert "probe-document-boundary" in [entry.rule for entry in outcomes]
    for policy in POLICY_NAMES:
        assert decide((STATIC_CLEAN, *outcomes), load_policy(policy)).overall is Overall.CLEAN


def test_a_disagreement_shows_both_sides() -> None:
    guilty = make_outcome("trained-on-validation", status=Status.FLAGGED)
    clean = weighed(probed(honest()), (guilty,)).disagreement
    leak = weighed(probed(honest(*lines(headline=phase(LEAK)))), (STATIC_CLEAN,)).disagreement
    assert "no violation seen" in clean
    assert "trained-on-validation" in clean
    assert "987 of 987" in leak
    assert "static:" in leak
    assert weighed(probed(honest(*lines(headline=phase(LEAK)))), (guilty,)).disagreement == ""
