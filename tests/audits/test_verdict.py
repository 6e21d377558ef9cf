"""One function decides: the promises of audits.verdict, one at a time."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from audits.errors import UserError
from audits.outcome import Axis, Severity, Status
from audits.policy import POLICY_NAMES, Effect, edition_dates, load_policy
from audits.verdict import AxisCall, Overall, Verdict, decide
from tests.audits.builders import make_outcome

if TYPE_CHECKING:
    from audits.outcome import Outcome

PRACTICE = load_policy("practice")
CLEAN_LEGALITY = make_outcome("saw-the-code", status=Status.CLEAN)


def verdict(*outcomes: object, policy: str = "practice") -> Verdict:
    return decide(outcomes, load_policy(policy))  # type: ignore[arg-type]


def test_no_outcome_at_all_is_unclear_and_never_a_pass() -> None:
    judged = verdict()
    assert judged.overall is Overall.UNCLEAR
    assert judged.axis(Axis.LEGALITY).call is AxisCall.UNCLEAR
    assert judged.axis(Axis.LIMITS).call is AxisCall.NOT_APPLICABLE


@pytest.mark.parametrize("status", [Status.NOT_APPLICABLE, Status.DORMANT])
def test_legality_that_nobody_judged_is_unclear(status: Status) -> None:
    assert verdict(make_outcome(status=status)).overall is Overall.UNCLEAR


def test_a_dormant_rule_does_not_hurt_where_another_ended_clean() -> None:
    judged = verdict(CLEAN_LEGALITY, make_outcome("sleeper", status=Status.DORMANT))
    assert judged.axis(Axis.LEGALITY).call is AxisCall.CLEAN
    assert judged.overall is Overall.CLEAN
    assert judged.deciding == ()


@pytest.mark.parametrize("status", [Status.UNCLEAR, Status.CRASHED])
@pytest.mark.parametrize("axis", [Axis.LEGALITY, Axis.LIMITS, Axis.METRIC])
def test_unclear_and_crashed_outweigh_clean(axis: Axis, status: Status) -> None:
    judged = verdict(
        CLEAN_LEGALITY, make_outcome("a", axis, Status.CLEAN), make_outcome("broken", axis, status)
    )
    assert judged.axis(axis).call is AxisCall.UNCLEAR
    assert judged.axis(axis).deciding == ("broken",)
    assert judged.overall is Overall.UNCLEAR


@pytest.mark.parametrize(
    ("axis", "call", "overall"),
    [
        (Axis.LEGALITY, AxisCall.ILLEGAL, Overall.ILLEGAL),
        (Axis.LIMITS, AxisCall.VIOLATION, Overall.VIOLATION),
        (Axis.METRIC, AxisCall.VIOLATION, Overall.VIOLATION),
        (Axis.PACKAGE, AxisCall.VIOLATION, Overall.NEEDS_AUTHOR_ACTION),
        (Axis.CLAIMS, AxisCall.VIOLATION, Overall.NEEDS_AUTHOR_ACTION),
        (Axis.RECORD, AxisCall.VIOLATION, Overall.NEEDS_AUTHOR_ACTION),
    ],
)
def test_a_confident_violation_by_axis(axis: Axis, call: AxisCall, overall: Overall) -> None:
    judged = verdict(CLEAN_LEGALITY, make_outcome("offence", axis))
    assert judged.axis(axis).call is call
    assert judged.overall is overall
    assert judged.deciding == ("offence",)


def test_only_a_confident_flag_is_illegal() -> None:
    assert verdict(make_outcome(confidence=0.6)).overall is Overall.ILLEGAL
    assert verdict(make_outcome(confidence=0.59)).overall is Overall.FLAG


def test_the_worst_axis_decides_and_is_named() -> None:
    outcomes = [
        make_outcome("size", Axis.LIMITS),
        make_outcome("slot", Axis.LEGALITY),
        make_outcome("readme-missing", Axis.PACKAGE),
    ]
    judged = verdict(*outcomes)
    assert (judged.overall, judged.deciding) == (Overall.ILLEGAL, ("slot",))
    judged = verdict(CLEAN_LEGALITY, *(entry for entry in outcomes if entry.rule != "slot"))
    assert (judged.overall, judged.deciding) == (Overall.VIOLATION, ("size",))


def test_order_of_the_overall_verdicts() -> None:
    assert [entry.value for entry in Overall] == [
        "ILLEGAL",
        "VIOLATION",
        "FLAG",
        "UNCLEAR",
        "NEEDS_AUTHOR_ACTION",
        "CLEAN",
    ]


def test_an_unclear_claim_is_for_the_author_but_a_crash_is_ours() -> None:
    unclear = make_outcome("no-log", Axis.CLAIMS, Status.UNCLEAR)
    crashed = make_outcome("our-bug", Axis.CLAIMS, Status.CRASHED)
    assert verdict(CLEAN_LEGALITY, unclear).overall is Overall.NEEDS_AUTHOR_ACTION
    assert verdict(CLEAN_LEGALITY, unclear, crashed).overall is Overall.UNCLEAR


def test_warnings_and_notes_are_kept_but_weigh_nothing_in_practice() -> None:
    for severity in (Severity.WARNING, Severity.NOTE):
        judged = verdict(CLEAN_LEGALITY, make_outcome("mind-this", severity=severity))
        assert judged.overall is Overall.CLEAN
        assert judged.axis(Axis.LEGALITY).notes == ("mind-this",)


@pytest.mark.parametrize("dispute", ["context-only-slot", "etlb", "casefold", "checkpoint-chosen-on-val"])
def test_open_disputes_are_flagged_under_practice_and_forbidden_under_strict(dispute: str) -> None:
    outcome = make_outcome(dispute, severity=Severity.DISPUTED, dispute=dispute)
    assert verdict(outcome).overall is Overall.FLAG
    assert verdict(outcome, policy="strict").overall is Overall.ILLEGAL


@pytest.mark.parametrize("dispute", ["bos-leak", "ttt-warmup-on-val", "calib-on-train-at-eval"])
def test_settled_disputes_are_clean_with_a_note_under_practice(dispute: str) -> None:
    judged = verdict(CLEAN_LEGALITY, make_outcome(dispute, severity=Severity.DISPUTED, dispute=dispute))
    assert judged.overall is Overall.CLEAN
    assert judged.axis(Axis.LEGALITY).notes == (dispute,)


def test_calibration_after_the_clock_is_illegal_to_the_letter_of_the_readme() -> None:
    outcome = make_outcome(severity=Severity.DISPUTED, dispute="calib-on-train-at-eval")
    assert verdict(outcome, policy="readme").overall is Overall.ILLEGAL


def test_an_unknown_dispute_falls_back_to_its_severity() -> None:
    outcome = make_outcome(severity=Severity.DISPUTED, dispute="never-heard-of")
    assert PRACTICE.reading(outcome).effect is Effect.FLAG


@pytest.mark.parametrize("name", POLICY_NAMES)
def test_every_policy_weighs_the_same_disputes_and_every_severity(name: str) -> None:
    policy = load_policy(name)
    assert set(policy.disputes) == set(PRACTICE.disputes)
    assert set(policy.severities) == set(Severity)
    assert policy.edition == edition_dates(name)[-1]


@pytest.mark.parametrize("name", POLICY_NAMES)
def test_every_reading_says_why_and_names_a_ruling_that_exists(name: str) -> None:
    from pathlib import Path

    import audits

    rulings = Path(audits.__file__).parent / "rulings"
    for key, reading in load_policy(name).disputes.items():
        assert reading.why, key
        assert reading.ruling is not None, key
        assert (rulings / f"{reading.ruling}.md").is_file(), key


def test_an_edition_before_the_first_one_is_a_user_error() -> None:
    with pytest.raises(UserError, match="no edition as early"):
        load_policy("practice", datetime.date(2026, 1, 1))
    with pytest.raises(UserError, match="no policy called"):
        load_policy("lenient")


OUTCOMES = st.builds(
    make_outcome,
    rule=st.sampled_from(["a", "b", "c"]),
    axis=st.sampled_from(Axis),
    status=st.sampled_from(Status),
    severity=st.sampled_from(Severity),
    confidence=st.floats(0, 1),
    dispute=st.sampled_from([None, *PRACTICE.disputes]),
)
BAD = {Status.FLAGGED, Status.UNCLEAR, Status.CRASHED}


@example(
    [make_outcome("a", Axis.RECORD, Status.CRASHED)],
    make_outcome("b", Axis.RECORD, Status.FLAGGED),
)
@given(st.lists(OUTCOMES, max_size=8), OUTCOMES.filter(lambda outcome: outcome.status in BAD))
def test_one_more_bad_outcome_never_improves_a_judged_axis(known: list[Outcome], more: Outcome) -> None:
    known = [*known, *(make_outcome(axis=axis, status=Status.CLEAN) for axis in Axis)]
    order = list(Overall)
    before, after = decide(known, PRACTICE), decide([*known, more], PRACTICE)
    assert order.index(after.overall) <= order.index(before.overall)


@given(st.lists(OUTCOMES, max_size=8))
def test_a_clean_verdict_has_a_rule_that_saw_the_code(known: list[Outcome]) -> None:
    judged = decide(known, PRACTICE)
    for entry in judged.axes:
        if entry.call is AxisCall.CLEAN:
            seen = {
                o.rule for o in known if o.axis is entry.axis and o.status in (Status.CLEAN, Status.FLAGGED)
            }
            assert entry.deciding
            assert set(entry.deciding) <= seen
    if judged.overall is Overall.CLEAN:
        assert judged.axis(Axis.LEGALITY).call is AxisCall.CLEAN


@given(st.lists(OUTCOMES, max_size=8))
def test_strict_is_never_milder_than_the_others(known: list[Outcome]) -> None:
    order = list(Overall)
    ranks = {name: order.index(decide(known, load_policy(name)).overall) for name in POLICY_NAMES}
    assert ranks["strict"] == min(ranks.values())


def test_what_was_not_yet_forbidden_is_flagged() -> None:
    cache = make_outcome("count-keyed-by-target")
    assert decide([cache], load_policy("practice", datetime.date(2026, 3, 26))).overall is Overall.FLAG
    assert decide([cache], load_policy("practice", datetime.date(2026, 3, 27))).overall is Overall.ILLEGAL
    mild = make_outcome("count-keyed-by-target", severity=Severity.NOTE)
    assert PRACTICE.reading(mild).effect is Effect.NOTE


def test_a_policy_changes_on_its_dates() -> None:
    packed = make_outcome("size", Axis.LIMITS, severity=Severity.NOTE, dispute="readme-bytes")
    before = load_policy("practice", datetime.date(2026, 4, 4))
    after = load_policy("practice", datetime.date(2026, 4, 5))
    assert before.reading(packed).effect is Effect.FLAG
    assert after.reading(packed).effect is Effect.NOTE
    assert after.edition == datetime.date(2026, 4, 5)


@pytest.mark.parametrize("name", POLICY_NAMES)
def test_what_a_policy_shows_as_binding_is_what_it_weighs(name: str) -> None:
    policy = load_policy(name)
    binding = {"practice": set(), "readme": {"readme-bytes"}, "strict": {"readme-bytes", "strict-bytes"}}
    violated = {key for key, reading in policy.disputes.items() if reading.effect is Effect.VIOLATION}
    assert violated & {"readme-bytes", "strict-bytes"} == binding[policy.size_reading]
    assert ("one-step-overshoot" in violated) is not policy.one_step_tolerance
    assert ("written-significance" in violated) is (policy.significance == "written")
