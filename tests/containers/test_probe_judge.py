"""Verdicts of a probe: what each report is called, and that nothing forged or missing is ever CLEAN."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from containers.failure import FailureKind, failed
from containers.probe_result import ASKED, Call, ProbeStatus, ProbeVerdict, summary
from containers.result import Ending, Observed, SandboxResult
from tests.containers.probe_boxes import (
    CHILD,
    HEADLINE,
    LEAK,
    PARENT,
    coverage,
    ended,
    honest,
    lines,
    phase,
    probed,
    run,
    whole,
)

FORWARD = {"class": "ValueError", "message": "shapes do not fit", "file": "train_gpt.py", "line": 3}


def test_an_honest_probe_is_clean_and_shows_its_power() -> None:
    result = probed(honest())
    assert (result.verdict, result.conditions, result.tampering) == (ProbeVerdict.CLEAN, (), "")
    assert result.all_clean
    assert result.headline is not None
    assert result.headline.tests[0].power["planted_caught"] == 17
    assert all(sign.seen for sign in result.signs)


def test_a_leak_on_the_headline_names_condition_position_magnitude_and_line() -> None:
    result = probed(honest(*lines(headline=phase(LEAK))))
    (leak,) = result.leaks
    assert (result.verdict, result.conditions) == (ProbeVerdict.LEAK, ("C3",))
    assert (leak.position, leak.count, leak.magnitude, leak.line) == (0, 987, 0.07, "train_gpt.py:3")
    assert summary(result) == "LEAK C3: 987 of 987 prefix scores changed"


def test_a_leak_on_another_phase_is_told_and_decides_nothing() -> None:
    other = phase(LEAK, headline=False, phase=1)
    made = lines()
    result = probed(honest(*made[:-1], other, made[-1]))
    assert result.verdict is ProbeVerdict.CLEAN
    assert result.phases[1].tests[0].call is Call.LEAK


def test_the_boundary_is_a_finding_of_its_own() -> None:
    result = probed(honest(*lines(headline=phase(ended("document-boundary", "LEAK")))))
    assert (result.verdict, result.leaks) == (ProbeVerdict.CLEAN, ())
    assert result.boundary is not None


@pytest.mark.parametrize("test", ["artifact", "reload"])
def test_a_dishonest_artifact_is_a_leak_of_the_run(test: str) -> None:
    result = probed(honest(*lines(whole(test, "LEAK", condition="DATA"))))
    assert (result.verdict, result.conditions) == (ProbeVerdict.LEAK, ("DATA",))


def test_what_ranks_learned_from_each_other_is_a_leak_of_the_run() -> None:
    result = probed(honest(*lines(whole("rank-slices", "LEAK", condition="C3"))))
    assert (result.verdict, result.conditions) == (ProbeVerdict.LEAK, ("C3",))
    assert not result.all_clean


def test_a_script_that_cannot_run_as_two_ranks_is_judged_by_the_other_tests() -> None:
    failed_ranks = [*lines(whole("rank-slices", "BLIND"))]
    failed_ranks.insert(-1, run("G1", "failed", error=FORWARD))
    result = probed(honest(*failed_ranks))
    assert result.verdict is ProbeVerdict.CLEAN
    assert result.all_clean


def test_a_leak_stands_though_the_time_ran_out_after_it() -> None:
    box = honest(*lines(headline=phase(LEAK))[:-1], ending=Ending.TIMED_OUT, exit_code=None)
    assert probed(box).verdict is ProbeVerdict.LEAK


@pytest.mark.parametrize("power", [{}, {"later_changed": 4}, {"later_changed": 0, "planted_caught": 3}])
def test_without_power_it_is_unclear(power: dict[str, float]) -> None:
    result = probed(honest(*lines(headline=phase(ended("suffix", power=power)))))
    assert result.verdict is ProbeVerdict.UNCLEAR
    assert "power" in result.reason


@pytest.mark.parametrize(
    ("test", "call", "settled"),
    [
        ("update-order", "NOT_RUN", True),
        ("update-order", "BLIND", False),
        ("self-target", "BLIND", True),
        ("document-boundary", "NOT_RUN", True),
    ],
)
def test_clean_on_every_test_is_said_only_where_what_matters_was_seen(
    test: str, call: str, settled: bool
) -> None:
    result = probed(honest(*lines(headline=phase(ended(test, call)))))
    assert (result.verdict, result.all_clean) == (ProbeVerdict.CLEAN, settled)


def test_a_reload_that_was_not_tested_is_no_clean_on_every_test() -> None:
    assert not probed(honest(*lines(whole("reload", "NOT_RUN")))).all_clean


@pytest.mark.parametrize("name", ASKED)
def test_an_asked_test_that_was_not_run_is_unclear_and_a_blind_one_is_blind(name: str) -> None:
    left = probed(honest(*lines(headline=phase(ended(name, "NOT_RUN")))))
    blind = probed(honest(*lines(headline=phase(ended(name, "BLIND")))))
    assert (left.verdict, blind.verdict) == (ProbeVerdict.UNCLEAR, ProbeVerdict.BLIND)


BLINDING: dict[str, SandboxResult] = {
    "no headline": honest(*lines(headline=phase(headline=False))),
    "a test is missing": honest(*lines(headline=phase(tests=[ended("suffix")]))),
    "a test of the run is missing": honest(*(line for line in lines() if line.get("test") != "reload")),
    "the artifact could not be seen": honest(*lines(whole("artifact", "BLIND"))),
    "the run failed": honest(*lines(run("A", "failed", error=FORWARD)), exit_code=1),
    "the second run failed": honest(*lines(run("A2", "failed", error=FORWARD))),
    "there was no second run": honest(*(line for line in lines() if line.get("run") != "A2")),
    "the second run was skipped": honest(*lines(run("A2", "skipped", reason="no time was left"))),
    "no last line": honest(*lines()[:-1]),
    "the exit status": honest(exit_code=3),
    "the time": honest(ending=Ending.TIMED_OUT, exit_code=None),
    "the memory": honest(ending=Ending.OUT_OF_MEMORY, exit_code=None),
    "the supervisor's last look": honest(observed=Observed(complete=False)),
    "lines were dropped": honest(observed=Observed(complete=True, report_lines_dropped=2)),
    "a line that cannot be read": honest(*lines(headline=phase(tests=[{"test": "new", "call": "CLEAN"}]))),
    "a leak of no condition": honest(*lines(headline=phase(ended("suffix", "LEAK")))),
    "nobody is told apart": honest(*({**line, "sender": None} for line in lines())),
}


@pytest.mark.parametrize("name", BLINDING)
def test_what_is_missing_makes_it_blind(name: str) -> None:
    result = probed(BLINDING[name])
    assert result.verdict is ProbeVerdict.BLIND, result.reason
    assert result.reason


FORGERIES: dict[str, list[dict[str, Any]]] = {
    "a child's headline": [*lines()[:-1], phase(sender=CHILD), lines()[-1]],
    "a child's run": [*lines()[:-1], run("B2", sender=CHILD), lines()[-1]],
    "a child's end": [*lines(), {"event": "end", "status": "ok", "sender": CHILD}],
    "a child's coverage": [*lines()[:-1], coverage(sender=CHILD), lines()[-1]],
    "a second headline": [*lines()[:-1], phase(phase=1), lines()[-1]],
    "a phase twice": [*lines()[:-1], phase(headline=False), lines()[-1]],
    "a run twice": [*lines()[:-1], run("A"), lines()[-1]],
    "a test of the whole twice": [*lines()[:-1], whole("artifact"), lines()[-1]],
    "more time than passed": lines(run("B1", seconds=900.0)),
    "a hostile look": [
        *lines()[:-1],
        {"event": "attempt", "kind": "reads-job", "detail": "/job/job.json", "sender": CHILD},
        lines()[-1],
    ],
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_is_blind_and_told(name: str) -> None:
    result = probed(honest(*FORGERIES[name]))
    assert result.verdict is ProbeVerdict.BLIND
    assert result.tampering
    assert not result.all_clean


def test_a_child_that_forges_everything_before_ours_spoke_is_the_parent_of_nothing() -> None:
    """Whoever speaks first is taken for our parent: its whole probe must then be its own."""
    forged = [{**line, "sender": CHILD} for line in lines()]
    result = probed(honest(*lines()[:3], *forged))
    assert result.verdict is ProbeVerdict.BLIND


@pytest.mark.parametrize(
    ("kind", "status"),
    [(FailureKind.NO_ENGINE, ProbeStatus.NOT_RUN), (FailureKind.NO_SPACE, ProbeStatus.INFRA_FAULT)],
)
def test_a_fault_of_the_environment_is_blind_and_says_what_to_do(
    kind: FailureKind, status: ProbeStatus
) -> None:
    box = replace(honest(), ending=Ending.NEVER_RAN, failure=failed(kind, "said the engine"), report=())
    result = probed(box)
    assert (result.verdict, result.status) == (ProbeVerdict.BLIND, status)


def test_a_box_in_which_we_never_spoke_is_a_fault_of_ours() -> None:
    result = probed(replace(honest(), report=(), exit_code=1, output=b"No module named x\n"))
    assert (result.verdict, result.status) == (ProbeVerdict.BLIND, ProbeStatus.INFRA_FAULT)
    assert "No module named x" in result.reason


_VALUES: list[Any] = [
    None,
    True,
    -1,
    10**30,
    float("nan"),
    "",
    "A",
    "ok",
    "suffix",
    "CLEAN",
    "LEAK",
    [],
    [[]],
    {},
    [None],
    ["1-9"],
    {"class": 3},
    [{"test": "suffix", "call": "CLEAN"}],
    [{"test": ["x"], "call": {}}],
    "\x1b" * 9000,
]
_KEYS = ("run", "status", "seconds", "phase", "tests", "headline", "items", "test", "call", "lines", "power")
_LINES = st.lists(st.dictionaries(st.sampled_from(_KEYS), st.sampled_from(_VALUES), max_size=6), max_size=4)


@given(_LINES, st.sampled_from(("probe-run", "probe-phase", "probe-whole", "probe-coverage", "probe-lines")))
def test_whatever_lines_hold_reading_them_raises_nothing_and_hides_nothing(
    found: list[dict[str, Any]], event: str
) -> None:
    odd = [{**line, "event": event, "sender": PARENT} for line in found]
    result = probed(honest(*lines()[:2], *odd))
    assert result.verdict is not ProbeVerdict.CLEAN


@given(st.sampled_from([*range(len(lines()))]), st.sampled_from(HEADLINE))
def test_a_probe_with_a_line_taken_out_is_never_more_than_it_was(index: int, name: str) -> None:
    whole_probe = lines(headline=phase(ended(name, "LEAK", condition="C1", reason="seen")))
    kept = [line for number, line in enumerate(whole_probe) if number != index]
    result = probed(honest(*kept))
    told = any(line["event"] == "probe-phase" for line in kept)
    if told and name != "document-boundary" and result.status is ProbeStatus.RAN:
        assert result.verdict is ProbeVerdict.LEAK
