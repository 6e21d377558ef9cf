"""Each kind of evaluator gets the call, condition, pattern and positions that it should."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

np = pytest.importorskip("numpy", reason="needs numpy (pip install -e '.[cpu]')")

from containers.inside.probe import compare, finding  # noqa: E402
from containers.inside.probe.finding import Call, PhaseEnd  # noqa: E402
from containers.inside.probe.runs import Replay, Run, Runs  # noqa: E402
from containers.inside.probe.trace import Kind, Trace  # noqa: E402
from tests.containers.inside import probe_sim as sim  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

HONEST = {
    "baseline": sim.baseline,
    "sliding": sim.sliding,
    "sliding-shuffled": partial(sim.sliding, seed=3),
    "score-first": sim.score_first,
    "adapters": sim.adapters,
    "documents-by-length": partial(sim.adapters, kept=True),
    "mixer": partial(sim.sliding, mixer=True),
    "floats": sim.floats,
    "one-line": partial(sim.sliding, one_line=True),
    "one-line-mixer": partial(sim.sliding, one_line=True, mixer=True),
}
REORDERED = {"documents-by-length"}
MIXED = {"mixer", "floats", "one-line-mixer"}


def headline(runs: Runs) -> PhaseEnd:
    (found,) = (end for end in compare.phases(runs) if end.headline)
    return found


def ended(end: PhaseEnd, test: finding.Test) -> finding.TestEnd:
    (found,) = (one for one in end.tests if one.test is test)
    return found


@pytest.mark.parametrize("name", HONEST)
def test_honest_evaluators_are_clean_with_power(name: str) -> None:
    end = headline(sim.probe(HONEST[name]))
    suffix = ended(end, finding.Test.SUFFIX)
    assert suffix.call is Call.CLEAN, suffix
    assert suffix.power["planted_caught"] > 500
    assert suffix.power["later_changed"] > 0.9
    assert suffix.power["noise_nats"] == 0
    once = ended(end, finding.Test.SCORE_ONCE)
    assert once.call is Call.CLEAN, once
    assert once.figures["holes"] == 0
    assert once.figures["bytes_ratio"] == pytest.approx(1.0, abs=1e-4)
    self_target = ended(end, finding.Test.SELF_TARGET)
    assert self_target.call is (Call.BLIND if name in {*MIXED, *REORDERED} else Call.CLEAN), self_target
    normalised = ended(end, finding.Test.NORMALISATION)
    assert normalised.call is (Call.BLIND if name in MIXED else Call.CLEAN), normalised


def of_all_tokens(scale: float) -> Callable[[np.ndarray], Callable[[int], float]]:
    """Return a leak of the whole stream into every score."""
    return lambda stream: lambda position: scale * float(stream.sum() % 101 + 1)


def test_who_leaves_out_what_the_first_window_has_no_context_for_is_clean() -> None:
    end = headline(sim.probe(partial(sim.sliding, skip_first=True)))
    once = ended(end, finding.Test.SCORE_ONCE)
    assert (once.call, once.figures["holes"]) == (Call.CLEAN, sim.LENGTH - 16)
    suffix = ended(end, finding.Test.SUFFIX)
    assert suffix.call is Call.CLEAN, suffix


@pytest.mark.parametrize("name", HONEST)
def test_a_leak_of_the_whole_stream_is_found_in_every_kind_of_evaluator(name: str) -> None:
    end = headline(sim.probe(HONEST[name], leak=of_all_tokens(1e-9)))
    suffix = ended(end, finding.Test.SUFFIX)
    assert suffix.call is Call.LEAK, suffix
    assert suffix.pattern == "whole-validation"
    assert suffix.condition == "C4"
    assert suffix.position == 1 or name == "adapters"
    assert suffix.count == suffix.total


def of_its_beginning(stream: np.ndarray) -> Callable[[int], float]:
    """Return a leak of the first tokens into every score, as a calibration on them leaves it."""
    return lambda position: 1e-9 * float(stream[63:100].sum() % 101 + 1)


def test_what_has_shaped_the_artifact_is_c3_however_few_scores_precede_the_change() -> None:
    runs = sim.probe(sim.baseline, start=63, leak=of_its_beginning)
    shaped = replace(runs.by_name["B1"], artifacts={"model.ptz": "bb"})
    found = []
    for made in (runs, replace(runs, by_name={**runs.by_name, "B1": shaped})):
        suffix = ended(headline(made), finding.Test.SUFFIX)
        assert (suffix.call, suffix.count, suffix.total) == (Call.LEAK, 62, 62)
        found.append((suffix.condition, suffix.pattern))
    assert found[0][1] != "whole-validation"
    assert found[1] == ("C3", "whole-validation")


def test_training_on_validation_first_is_c3() -> None:
    end = headline(sim.probe(sim.prequant))
    suffix, order = ended(end, finding.Test.SUFFIX), ended(end, finding.Test.UPDATE_ORDER)
    assert (suffix.call, suffix.condition, suffix.pattern) == (Call.LEAK, "C3", "whole-validation")
    assert (order.call, order.condition) == (Call.LEAK, "C3")
    assert order.count > 1000


@pytest.mark.parametrize(("shared", "pattern", "low"), [(False, "window", 641), (True, "batch", 513)])
def test_slot_is_c3_in_its_window_or_batch(shared: bool, pattern: str, low: int) -> None:
    end = headline(sim.probe(partial(sim.slot, shared=shared)))
    suffix = ended(end, finding.Test.SUFFIX)
    assert (suffix.call, suffix.condition, suffix.pattern) == (Call.LEAK, "C3", pattern)
    assert suffix.position == low
    assert suffix.figures["start"] == 704
    assert suffix.count == 704 - low


def test_two_passes_are_c4() -> None:
    suffix = ended(headline(sim.probe(sim.two_pass)), finding.Test.SUFFIX)
    assert (suffix.call, suffix.condition, suffix.pattern) == (Call.LEAK, "C4", "whole-validation")


def test_an_adapter_that_learns_first_is_c3_in_its_chunk() -> None:
    end = headline(sim.probe(partial(sim.adapters, early=True)))
    suffix = ended(end, finding.Test.SUFFIX)
    assert (suffix.call, suffix.condition) == (Call.LEAK, "C3")
    assert suffix.count < 24
    assert ended(end, finding.Test.UPDATE_ORDER).call is Call.LEAK


def test_score_first_updates_are_shown_to_come_after() -> None:
    order = ended(headline(sim.probe(sim.score_first)), finding.Test.UPDATE_ORDER)
    assert order.call is Call.CLEAN
    assert order.power["updates"] > 10


def test_sums_of_probabilities_decide_on_mixtures() -> None:
    evaluate = HONEST["mixer"]
    good = (Replay(300, 1.00002, 96, 96), Replay(300, 0.99999, 96, 96, "scaled"))
    bad = (good[0], Replay(300, 134.8, 96, 96, "scaled"))
    clean = ended(headline(sim.probe(evaluate, replays=good)), finding.Test.NORMALISATION)
    leak = ended(headline(sim.probe(evaluate, replays=bad)), finding.Test.NORMALISATION)
    part = ended(
        headline(sim.probe(evaluate, replays=(Replay(300, 1.0, 20, 96),))), finding.Test.NORMALISATION
    )
    assert (clean.call, leak.call, part.call) == (Call.CLEAN, Call.LEAK, Call.BLIND)
    assert (leak.condition, leak.magnitude, leak.position) == ("C2", 134.8, 300)


def test_bytes_counted_twice_are_found() -> None:
    runs = sim.probe(sim.sliding)
    fewer = replace(runs, token_bytes=runs.token_bytes - sim.SPACE)
    once = ended(headline(fewer), finding.Test.SCORE_ONCE)
    assert (once.call, once.condition) == (Call.LEAK, "BPB")


def test_without_a_planted_leak_nothing_is_clean() -> None:
    runs = sim.probe(sim.sliding)
    less = replace(runs, by_name={name: run for name, run in runs.by_name.items() if name != "P"})
    deaf = replace(runs, by_name={**runs.by_name, "P": replace(runs.by_name["A"], name="P")})
    for case, reason in ((less, "planted"), (deaf, "not seen")):
        suffix = ended(headline(case), finding.Test.SUFFIX)
        assert suffix.call is Call.BLIND
        assert reason in suffix.reason


def test_noise_bounds_what_is_a_difference() -> None:
    quiet = ended(headline(sim.probe(sim.baseline, noise=1e-7)), finding.Test.SUFFIX)
    loud = ended(headline(sim.probe(sim.baseline, noise=1e-2)), finding.Test.SUFFIX)
    leak = ended(headline(sim.probe(sim.baseline, noise=1e-7, leak=of_all_tokens(1e-3))), finding.Test.SUFFIX)
    assert quiet.call is Call.CLEAN
    assert quiet.power["noise_nats"] > 0
    assert loud.call is Call.BLIND
    assert leak.call is Call.LEAK


def test_a_number_aside_from_what_was_watched_is_blind() -> None:
    end = headline(sim.probe(partial(sim.baseline, off=-0.05)))
    assert {one.call for one in end.tests} == {Call.BLIND}
    assert "add up" in ended(end, finding.Test.SUFFIX).reason


def with_events(runs: Runs, name: str, change: Callable[[Trace], Trace]) -> Runs:
    run = runs.by_name[name]
    return replace(runs, by_name={**runs.by_name, name: replace(run, trace=change(run.trace))})


def without_some(trace: Trace) -> Trace:
    return Trace(tuple(e for at, e in enumerate(trace.events) if e.kind is not Kind.SUM or at % 5))


def with_nan(trace: Trace) -> Trace:
    events = [
        replace(e, values=np.full(e.values.size, np.nan)) if e.kind in (Kind.SUM, Kind.LOSS) else e
        for e in trace.events
    ]
    return Trace(tuple(events))


def other_number(trace: Trace) -> Trace:
    events = []
    for event in trace.events:
        values = event.values * 0.9 if event.kind is Kind.END and event.values is not None else event.values
        number = event.number * 0.9 if event.kind is Kind.PRINT else event.number
        events.append(replace(event, values=values, number=number))
    return Trace(tuple(events))


def wild(trace: Trace) -> Trace:
    rng = np.random.default_rng(5)
    events = [
        replace(e, targets=rng.integers(-(2**62), 2**62, 50), values=e.values, phase=int(rng.integers(-9, 9)))
        for e in trace.events
    ]
    return Trace(tuple(events))


@pytest.mark.parametrize("change", [without_some, with_nan, other_number, wild, lambda trace: Trace(())])
@pytest.mark.parametrize("name", ["A", "A2", "B1", "P"])
def test_traces_that_do_not_fit_together_are_never_clean(name: str, change: Callable[[Trace], Trace]) -> None:
    runs = with_events(sim.probe(sim.sliding), name, change)
    if name == "B1":  # nor may the other streams stand in for it
        for other in ("B2", "B3"):
            runs = with_events(runs, other, change)
    ends = compare.phases(runs)
    compare.whole(runs)
    for end in ends:
        assert ended(end, finding.Test.SUFFIX).call is not Call.CLEAN


def test_runs_that_failed_are_blind() -> None:
    runs = sim.probe(sim.sliding)
    failed: Run = replace(runs.by_name["A"], ok=False, error="RuntimeError: no")
    end = headline(replace(runs, by_name={**runs.by_name, "A": failed}))
    assert {one.call for one in end.tests} == {Call.BLIND}
    assert compare.phases(Runs({}, sim.BYTES, sim.SPACE, sim.CONTROL)) == ()
    assert {one.call for one in compare.whole(Runs({}, sim.BYTES, sim.SPACE, sim.CONTROL))} <= {
        Call.BLIND,
        Call.NOT_RUN,
    }


def smeared(bench: sim.Bench, depth: int) -> None:
    """Score documents alone, but for the first tokens, which see the end of the document before."""
    bench.begin()
    total, positions, stream = 0.0, [], bench.stream
    for begin, end in sim.documents(stream):
        nll = bench.losses(stream[begin : end - 1][None], stream[begin + 1 : end][None])[0]
        if begin and depth:
            nll[:depth] += 0.01 * float(stream[begin - 1])
        total += bench.add(nll)
        positions += list(range(begin + 1, end))
    bench.end(total, len(positions), np.asarray(positions))


@pytest.mark.parametrize(
    ("evaluate", "call"),
    [
        (partial(smeared, depth=2), Call.LEAK),
        (partial(smeared, depth=0), Call.CLEAN),
        (sim.score_first, Call.NOT_RUN),
    ],
)
def test_a_hole_in_the_isolation_of_documents_is_found(
    evaluate: Callable[[sim.Bench], None], call: Call
) -> None:
    stream = sim.make_stream(4)
    assert ended(headline(sim.probe(evaluate, stream=stream)), finding.Test.BOUNDARY).call is call


def gated(bench: sim.Bench) -> None:
    """Score plainly, but for a logit that the realised token itself moves."""
    plain = sim.Bench.losses

    def losses(window: np.ndarray, targets: np.ndarray) -> np.ndarray:
        nll = plain(bench, window, targets)
        last = bench.events.pop()
        own = (last.targets % 7).astype(np.float64) * 1e-3
        moved = replace(last, values=last.values + own, digests=last.digests + last.targets)
        bench.events.append(moved)
        return nll + own.reshape(nll.shape)

    bench.losses = losses  # type: ignore[method-assign]
    sim.baseline(bench)


def test_a_distribution_that_knows_its_own_token_is_c1() -> None:
    end = headline(sim.probe(gated))
    assert ended(end, finding.Test.SUFFIX).call is Call.CLEAN
    own = ended(end, finding.Test.SELF_TARGET)
    assert (own.call, own.condition, own.position) == (Call.LEAK, "C1", 557)
    assert ended(headline(sim.probe(sim.prequant)), finding.Test.SELF_TARGET).call is Call.NOT_RUN


def test_a_number_that_no_call_returned_is_found_where_it_adds_up() -> None:
    def inside(trace: Trace) -> Trace:
        kept = [e for e in trace.events if e.kind not in (Kind.BEGIN, Kind.END)]
        return Trace(tuple(replace(e, phase=-1) for e in kept))

    runs = sim.probe(sim.sliding)
    for name in runs.by_name:
        runs = with_events(runs, name, inside)
    end = headline(runs)
    assert end.function == "outside of functions that evaluate"
    assert ended(end, finding.Test.SUFFIX).call is Call.CLEAN


def test_a_trace_that_was_cut_proves_nothing() -> None:
    runs = with_events(sim.probe(sim.sliding), "A", lambda trace: replace(trace, facts={"cut": "full"}))
    suffix = ended(headline(runs), finding.Test.SUFFIX)
    assert suffix.call is Call.BLIND
    assert "full" in suffix.reason


def rescoring(bench: sim.Bench) -> None:
    """Score and learn in a first pass; score again, and return the second pass alone."""
    sim.score_first(bench)
    begin, end = bench.events.pop(0), [e for e in bench.events if e.kind is Kind.END]
    bench.events = [begin, *(e for e in bench.events if e.kind not in (Kind.END, Kind.PRINT))]
    assert end
    first = len(bench.events)
    sim.score_first(bench)
    bench.events = [e for at, e in enumerate(bench.events) if not (at >= first and e.kind is Kind.BEGIN)]


def test_the_last_of_two_passes_is_told_from_the_first() -> None:
    end = headline(sim.probe(rescoring))
    suffix = ended(end, finding.Test.SUFFIX)
    assert end.items == 1280
    assert (suffix.call, suffix.condition, suffix.pattern) == (Call.LEAK, "C3", "whole-validation")
