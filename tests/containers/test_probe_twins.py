"""The probe on twins of the reference in a real box: each is caught by the tests that should, by no other.

Every twin is among them: none breaks a rule of size or time alone, which a probe does not ask about.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from audits.launch import launch_plan
from containers.engine import run
from containers.probe import probe
from containers.probe_result import ProbeVerdict
from harness.auditing import Request, reviews_of
from tests.reference_impl.twins.entries import BY_CHANCE_ENTRY, CONTEXT, HONEST, TWINS
from tests.reference_impl.twins.records import Entry, lay

if TYPE_CHECKING:
    from containers.probe_result import ProbeResult, ProbeTest

pytestmark = [pytest.mark.timeout(1200), pytest.mark.xdist_group("probe-twins")]
CAUGHT_BY = {
    "PrequantTTT": {"suffix": "C3", "update-order": "C3", "artifact": "DATA"},
    "SlotOnScored": {"suffix": "C3", "update-order": "C3"},
    "TargetKeyed": {"normalisation": "C2"},
    "Rescore": {"suffix": "C3", "update-order": "C3"},
    "CalibratedOnVal": {"suffix": "C3", "artifact": "DATA"},
    "SpaceTwice": {"score-once": "BPB"},
    "LoraFirst": {"suffix": "C3", "update-order": "C3"},
}
"""Each test that ends as LEAK, with its condition."""
CLEAN = (*HONEST, CONTEXT, BY_CHANCE_ENTRY)
"""A delta that is fitted to what has been scored is causal: whether it may be is a person's question."""


def by_name(entry: Entry) -> str:
    """Return the name of an entry, for the list of tests."""
    return entry.name


def shorten(preset: Path) -> None:
    """Let training end after a few steps: how well a twin scores is not the question."""
    text = preset.read_text()
    assert "iterations = 100\n" in text
    assert "muon_momentum_steps = 50\n" in text
    text = text.replace("iterations = 100\n", "iterations = 6\n")
    preset.write_text(text.replace("muon_momentum_steps = 50\n", "muon_momentum_steps = 5\n"))


@pytest.fixture(scope="module")
def probed(docker_engine, image):
    """Return a function that probes an entry once."""

    @cache
    def one(entry: Entry) -> ProbeResult:
        with TemporaryDirectory() as root:
            folder = lay(entry, Path(root))
            shorten(folder / "reference_impl" / "presets" / "micro.toml")
            (review,) = reviews_of(Request(targets=(str(folder),)))
            plan = launch_plan(review.result.submission, review.result.facts)
            return probe(plan, lambda request: run(docker_engine, request), image)

    return one


def leaks(result: ProbeResult) -> dict[str, str]:
    """Return the condition of each test of the headline, or of the whole, that ended as LEAK."""
    (headline,) = (phase for phase in result.phases if phase.headline)
    ends = (*headline.tests, *result.whole)
    return {str(end.test): end.condition for end in ends if end.call == "LEAK"}


def test_every_twin_is_among_them() -> None:
    assert set(CAUGHT_BY) == {twin.name for twin in TWINS}


@pytest.mark.parametrize("entry", TWINS, ids=by_name)
def test_a_twin_is_caught_by_the_tests_that_should(entry: Entry, probed) -> None:
    result = probed(entry)
    assert result.verdict is ProbeVerdict.LEAK, result.reason
    assert leaks(result) == CAUGHT_BY[entry.name], result.reason
    assert set(result.conditions) == set(CAUGHT_BY[entry.name].values())


@pytest.mark.parametrize("entry", CLEAN, ids=by_name)
def test_an_honest_entry_is_clean_with_power(entry: Entry, probed) -> None:
    result = probed(entry)
    assert leaks(result) == {}
    suffix, normalised = (of_headline(result, name) for name in ("suffix", "normalisation"))
    assert suffix.call == "CLEAN", suffix.reason
    assert suffix.power["planted_caught"] > 100
    assert normalised.power["replayed"] == (entry is BY_CHANCE_ENTRY)
    assert result.verdict is ProbeVerdict.CLEAN, result.reason


def of_headline(result: ProbeResult, name: str) -> ProbeTest:
    """Return how one test ended on the headline."""
    (headline,) = (phase for phase in result.phases if phase.headline)
    (found,) = (end for end in headline.tests if end.test == name)
    return found
