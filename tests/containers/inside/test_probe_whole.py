"""What is said of the artifact and of reading it back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

np = pytest.importorskip("numpy", reason="needs numpy (pip install -e '.[cpu]')")

from containers.inside.probe import compare, finding  # noqa: E402
from containers.inside.probe.finding import Call  # noqa: E402
from containers.inside.probe.runs import Runs  # noqa: E402
from containers.inside.probe.trace import Trace  # noqa: E402
from tests.containers.inside import probe_sim as sim  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Mapping

SPOILT = {"reload": {"poisoned": 12, "shards_removed": 2}}


def with_run(
    runs: Runs, name: str, like: str, facts: Mapping[str, object] | None = None, **more: object
) -> Runs:
    run = runs.by_name[like]
    trace = Trace(run.trace.events, dict(facts or {}))
    made = replace(run, name=name, trace=trace, **more)  # type: ignore[arg-type]
    return replace(runs, by_name={**runs.by_name, name: made})


def ends(runs: Runs) -> dict[finding.Test, finding.TestEnd]:
    return {end.test: end for end in compare.whole(runs)}


def test_the_same_artifact_from_other_validation_data_is_clean() -> None:
    end = ends(sim.probe(sim.baseline))[finding.Test.ARTIFACT]
    assert (end.call, end.total) == (Call.CLEAN, 1)
    assert end.power["streams"] == 3


def test_another_artifact_from_other_validation_data_is_a_leak() -> None:
    runs = with_run(sim.probe(sim.baseline), "B1", "B1", artifacts={"model.ptz": "bb"})
    end = ends(runs)[finding.Test.ARTIFACT]
    assert (end.call, end.condition) == (Call.LEAK, "DATA")
    assert "model.ptz" in end.reason


def test_an_artifact_that_differs_by_itself_says_nothing() -> None:
    runs = with_run(sim.probe(sim.baseline), "A2", "A2", artifacts={"model.ptz": "cc"})
    runs = with_run(runs, "B1", "B1", artifacts={"model.ptz": "bb"})
    assert ends(runs)[finding.Test.ARTIFACT].call is Call.BLIND


def test_no_artifact_says_nothing() -> None:
    runs = with_run(sim.probe(sim.baseline), "A", "A", artifacts={})
    assert ends(runs)[finding.Test.ARTIFACT].call is Call.BLIND


def test_scores_of_a_spoilt_run_that_stay_are_clean() -> None:
    end = ends(with_run(sim.probe(sim.baseline), "R", "A", SPOILT))[finding.Test.RELOAD]
    assert (end.call, end.total) == (Call.CLEAN, 1280)


def test_scores_of_a_spoilt_run_that_move_are_a_leak() -> None:
    runs = with_run(sim.probe(sim.baseline), "R", "P", SPOILT)
    end = ends(runs)[finding.Test.RELOAD]
    assert (end.call, end.condition) == (Call.LEAK, "C1")
    assert end.count > 1000


def test_training_data_that_an_evaluation_needs_are_a_leak() -> None:
    error = "FileNotFoundError: No files found for pattern: ./data/fineweb_train_*.bin"
    end = ends(with_run(sim.probe(sim.baseline), "R", "A", SPOILT, ok=False, error=error))[
        finding.Test.RELOAD
    ]
    assert (end.call, end.condition) == (Call.LEAK, "DATA")


def test_a_run_that_fails_otherwise_or_was_never_spoilt_says_nothing() -> None:
    plain = sim.probe(sim.baseline)
    failed = with_run(plain, "R", "A", SPOILT, ok=False, error="RuntimeError: shapes")
    assert ends(failed)[finding.Test.RELOAD].call is Call.BLIND
    assert ends(with_run(plain, "R", "A"))[finding.Test.RELOAD].call is Call.BLIND
    assert ends(replace(plain, skipped={"R": "no time"}))[finding.Test.RELOAD].reason == "no time"
