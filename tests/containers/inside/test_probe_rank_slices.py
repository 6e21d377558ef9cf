"""What runs as two ranks show: steps shared over slices are a leak, those on what all scored are none."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

np = pytest.importorskip("numpy", reason="needs numpy (pip install -e '.[cpu]')")

from containers.inside.probe import compare, finding  # noqa: E402
from containers.inside.probe.finding import Call  # noqa: E402
from containers.inside.probe.runs import Run  # noqa: E402
from containers.inside.probe.trace import Trace  # noqa: E402
from tests.containers.inside import probe_sim as sim  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

    Benches = list[sim.Bench]
    Evaluator = Callable[[Benches], None]

STREAM = sim.make_stream()
START = int(STREAM.size * 0.6) | 1
WINDOWS = (STREAM.size - 1) // sim.LENGTH // 4 * 4


def row(window: int):
    return np.arange(window * sim.LENGTH, (window + 1) * sim.LENGTH)


def score(bench: sim.Bench, window: int) -> float:
    """Score a window, see it under a gradient, and return what it teaches, the same under a little noise."""
    at = row(window)
    bench.add(bench.losses(bench.stream[at][None], bench.stream[at + 1][None]))
    return round(float(bench.losses(bench.stream[at][None], bench.stream[at + 1][None], grad=True).sum()), 1)


def slices(benches: Benches, shared: bool = True) -> None:
    """Give each rank half of the stream, score before learning, and share what is learned or do not."""
    half = WINDOWS // 2
    for step in range(half):
        seen = [score(bench, rank * half + step) for rank, bench in enumerate(benches)]
        for rank, bench in enumerate(benches):
            bench.update(sum(seen) if shared else seen[rank])


def alone(benches: Benches) -> None:
    slices(benches, shared=False)


def chunks(benches: Benches, backwards: bool = False) -> None:
    """Score each chunk of four windows by both ranks, then learn from all of it together."""
    for chunk in range(0, WINDOWS, 4)[:: -1 if backwards else 1]:
        seen = [score(bench, chunk + 2 * rank + k) for rank, bench in enumerate(benches) for k in (0, 1)]
        for bench in benches:
            bench.update(sum(seen))


def still(benches: Benches) -> None:
    """Score by halves and learn nothing."""
    for rank, bench in enumerate(benches):
        for window in range(rank * WINDOWS // 2, (rank + 1) * WINDOWS // 2):
            at = row(window)
            bench.add(bench.losses(bench.stream[at][None], bench.stream[at + 1][None]))


def ranks(evaluate: Evaluator, name: str, noise: float = 0.0) -> tuple[Run, ...]:
    """Return one run as two ranks; `G2`'s stream is changed."""
    later = name == "G2"
    stream = sim.changed(STREAM, START) if later else STREAM
    benches = [sim.Bench(stream, noise=noise) for _ in range(2)]
    for bench in benches:
        bench.begin("eval_val_ttt")
    evaluate(benches)
    for bench in benches:
        bench.end(1.0, 1, np.arange(1, 9))
    span = {"start": START, "stop": stream.size} if later else {}
    return tuple(
        Run(f"{name} rank {rank}", Trace(tuple(bench.events)), stream, ok=True, **span)
        for rank, bench in enumerate(benches)
    )


def end_of(
    evaluate: Evaluator, names: str = "G1,G2,G3", noise: float = 0.0, **changes: object
) -> finding.TestEnd:
    ranked = {name: ranks(evaluate, name, noise) for name in names.split(",") if name}
    runs = replace(sim.probe(sim.score_first, stream=STREAM), ranked=ranked, **changes)
    return next(end for end in compare.whole(runs) if end.test is finding.Test.RANK_SLICES)


def test_steps_that_ranks_share_over_slices_of_the_stream_are_a_leak() -> None:
    end = end_of(slices)
    assert (end.call, end.condition) == (Call.LEAK, "C3")
    # The change lies in the third window of the second slice: the first slice's windows after its third move.
    assert end.position == 3 * sim.LENGTH + 1
    assert end.count == (WINDOWS // 2 - 3) * sim.LENGTH
    assert end.magnitude > 0
    assert end.line.startswith("train_gpt.py:")


@pytest.mark.parametrize("honest", [alone, chunks])
def test_steps_on_what_was_scored_before_are_clean(honest: Evaluator) -> None:
    end = end_of(honest, "G1,G2")
    assert (end.call, end.condition, end.count) == (Call.CLEAN, "", 0), end.reason
    assert end.power["later_changed"] > 0.9
    assert end.power["updates"] > 0


def test_what_is_scored_in_another_order_than_the_streams_says_nothing() -> None:
    end = end_of(partial(chunks, backwards=True))
    assert end.count > 100
    assert end.call is Call.BLIND
    assert "another order" in end.reason


def test_a_leak_needs_a_third_run_that_shows_what_differs_by_itself() -> None:
    end = end_of(slices, "G1,G2")
    assert end.call is Call.BLIND
    assert end.count > 0


def test_runs_that_differ_by_themselves_say_nothing() -> None:
    assert end_of(alone, noise=1e-2).call is Call.BLIND


def test_little_noise_bounds_what_counts_as_a_difference() -> None:
    end = end_of(slices, noise=1e-10)
    assert end.call is Call.LEAK
    assert end_of(alone, noise=1e-10).call is not Call.LEAK


def test_ranks_may_share_out_the_work_another_way_each_time() -> None:
    runs = {name: ranks(chunks, name) for name in ("G1", "G2")}
    runs["G2"] = tuple(reversed(runs["G2"]))
    made = replace(sim.probe(sim.score_first, stream=STREAM), ranked=runs)
    end = next(end for end in compare.whole(made) if end.test is finding.Test.RANK_SLICES)
    assert end.call is Call.CLEAN, end.reason


def test_one_rank_may_evaluate_for_all() -> None:
    def first_alone(benches: Benches) -> None:
        for window in range(WINDOWS):
            benches[0].update(score(benches[0], window))

    runs = {name: ranks(first_alone, name) for name in ("G1", "G2")}
    runs = {name: (made[0], replace(made[1], trace=Trace(()))) for name, made in runs.items()}
    made = replace(sim.probe(sim.score_first, stream=STREAM), ranked=runs)
    end = next(end for end in compare.whole(made) if end.test is finding.Test.RANK_SLICES)
    assert (end.call, end.figures["scoring_ranks"]) == (Call.CLEAN, 1), end.reason


def test_two_ranks_that_learn_nothing_show_nothing() -> None:
    end = end_of(still, "G1,G2")
    assert end.call is Call.BLIND
    assert "nothing learned" in end.reason


def test_a_run_that_failed_is_told_and_a_run_not_asked_for_too() -> None:
    why = {"G1": "as two ranks the script did not run to its end: ValueError: batch"}
    broken = {"G1": tuple(replace(run, ok=False) for run in ranks(slices, "G1"))}
    runs = replace(sim.probe(sim.score_first, stream=STREAM), ranked=broken, skipped=why)
    end = next(end for end in compare.whole(runs) if end.test is finding.Test.RANK_SLICES)
    assert (end.call, end.reason) == (Call.BLIND, why["G1"])
    end = end_of(slices, "", skipped={"G1": "no adaptation in the evaluation"})
    assert (end.call, end.reason) == (Call.NOT_RUN, "no adaptation in the evaluation")
