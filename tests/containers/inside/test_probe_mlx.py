"""The probe's runs of an MLX script of ours: losses, steps, weights and files are watched as torch's are."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="needs the cpu extra")
pytest.importorskip("mlx.core", reason="needs MLX: pip install 'mlx[cpu]'", exc_type=ImportError)
pytestmark = pytest.mark.torch

from containers.inside.probe.trace import Kind  # noqa: E402
from tests.containers.inside import probe_mlx_scripts as scripts  # noqa: E402
from tests.containers.inside.test_probe_runs import entries, losses, probed, reported, same  # noqa: E402, F401


@pytest.mark.parametrize("evaluation", [scripts.MEANS, scripts.PICKED], ids=["means", "picked"])
def test_an_honest_mlx_script_is_watched_in_every_run(probed, evaluation):  # noqa: F811
    runs = probed(scripts.script(evaluation), "A,A2,B1,P,R")["runs"]
    traces = {name: run["trace"] for name, run in runs.items()}
    nats = {name: entries(losses(trace)) for name, trace in traces.items()}
    first = runs["B1"]["start"] - 1
    assert same(traces["A"], traces["A2"])
    assert nats["A"].mean() == pytest.approx(reported(traces["A"]), rel=1e-6)
    assert (entries(losses(traces["A"]), "targets") == runs["A"]["stream"][1 : nats["A"].size + 1]).all()
    assert (nats["A"][:first] == nats["B1"][:first]).all()
    assert (nats["A"][first:] != nats["B1"][first:]).mean() > 0.9
    assert (nats["A"] != nats["P"]).mean() > 0.9
    assert nats["P"].mean() == pytest.approx(reported(traces["P"]), rel=1e-6)
    assert (nats["A"] == nats["R"]).all()
    assert traces["R"].facts["reload"]["poisoned"] == 3
    kinds = [event.kind for event in traces["A"].events]
    trained = [event.targets.size for event in traces["A"].events if event.kind is Kind.LOSS and event.grad]
    assert sum(trained) == 256 * kinds.count(Kind.UPDATE)
    assert kinds.count(Kind.ASSIGN) == 1
    assert runs["A"]["artifacts"] == runs["B1"]["artifacts"]
    assert runs["A"]["artifacts"]


def test_an_mlx_script_that_learns_first_or_keeps_its_weights_shows(probed):  # noqa: F811
    text = scripts.script(scripts.ADAPTS_FIRST, reload="pass")
    runs = probed(text, "A,B1,R")["runs"]
    nats = {name: entries(losses(run["trace"])) for name, run in runs.items()}
    first = runs["B1"]["start"] - 1
    inside = [event.kind for event in runs["A"]["trace"].events if event.phase == 0]
    assert inside.count(Kind.UPDATE) == inside.count(Kind.TARGET) == 20
    assert (nats["A"][:first] != nats["B1"][:first]).any()
    assert (nats["A"] != nats["R"]).mean() > 0.9


def test_masked_losses_of_mlx_are_watched_where_they_are_summed(probed):  # noqa: F811
    runs = probed(scripts.script(scripts.MASKED), "A,P")["runs"]
    sums = {name: losses(run["trace"], Kind.SUM) for name, run in runs.items()}
    nats = {
        name: entries([event for event in found if (event.values % 1).any()]) for name, found in sums.items()
    }
    for name, run in runs.items():
        assert nats[name].size > run["stream"].size - 1
        kept = nats[name][nats[name] != 0]
        assert kept.size == run["stream"].size - 1
        assert kept.mean() == pytest.approx(reported(run["trace"]), rel=1e-6)
    assert ((nats["A"] != nats["P"]) == (nats["A"] != 0)).mean() > 0.99
