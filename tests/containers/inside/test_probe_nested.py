"""Sums in two storeys are followed down to the losses: of the last pass where accumulators were set back."""

from __future__ import annotations

from dataclasses import replace

import pytest

np = pytest.importorskip("numpy", reason="needs numpy (pip install -e '.[cpu]')")

from containers.inside.probe import (  # noqa: E402
    compare,
    finding,
    nested,
)
from containers.inside.probe.headline import reported_by  # noqa: E402
from containers.inside.probe.trace import SMOOTHED, Event, Kind, Trace  # noqa: E402
from tests.containers.inside import probe_sim as sim  # noqa: E402


def added(values: np.ndarray, name: str, at: int) -> list[tuple[int, Event]]:
    total = float(values.sum())
    return [
        (at, Event(Kind.SUM, "t.py:1", 0, total, values=values)),
        (at + 1, Event(Kind.ADD, "t.py:1", 0, total, text=name)),
    ]


def two_documents(passes: int) -> tuple[list[tuple[int, Event]], list[np.ndarray]]:
    """Return two documents of two chunks, gone over several times, and the losses of the last pass."""
    rng = np.random.default_rng(5)
    events: list[tuple[int, Event]] = []
    last: list[np.ndarray] = []
    for _ in range(passes):
        last, held = [], np.zeros(2)
        for document in (0, 1):
            for size in (7, 5):
                last.append(rng.random(size))
                held[document] += last[-1].sum()
                events += added(last[-1], "doc_loss[b]", len(events))
    return events + added(held, "loss_sum", len(events)), last


@pytest.mark.parametrize("passes", [1, 3])
def test_below_an_accumulator_are_the_losses_of_the_last_pass(passes: int) -> None:
    events, last = two_documents(passes)
    assert nested.names(events) == ("loss_sum",)
    found = nested.parts(events, "loss_sum")
    assert [part.tolist() for _, part, _ in found] == [part.tolist() for part in last]


def test_a_batch_whose_mean_is_multiplied_stands_beside_them() -> None:
    events, last = two_documents(2)
    short = np.random.default_rng(6).random(9).astype(np.float32).astype(np.float64)
    at = len(events)
    events += [
        (at, Event(Kind.LOSS, "t.py:9", 0, values=short, targets=np.arange(9))),
        (at + 1, Event(Kind.ADD, "t.py:8", 0, float(np.float32(short.mean())) * 9, text="loss_sum")),
    ]
    found = nested.parts(events, "loss_sum")
    assert [part.size for _, part, _ in found] == [*(part.size for part in last), 9]


def test_a_sum_of_which_a_part_is_unknown_is_no_sum() -> None:
    events, _ = two_documents(1)
    events.append((len(events), Event(Kind.ADD, "t.py:8", 0, 123.5, text="loss_sum")))
    assert nested.parts(events, "loss_sum") == []


def test_a_score_printed_behind_the_claimed_one_is_not_reported() -> None:
    trace = Trace(
        (
            Event(Kind.PRINT, "Final_roundtrip val_bpb:1.25", number=1.25, text="val_bpb"),
            Event(Kind.PRINT, "cache val_bpb:0.5", number=0.5, text="val_bpb"),
        )
    )
    assert reported_by(trace).val_bpb == 0.5
    assert reported_by(trace, ("final_roundtrip",)).val_bpb == 1.25
    assert reported_by(trace, ("never printed",)).val_bpb == 0.5
    assert reported_by(trace, ("val_bpb", "step")).val_bpb == 0.5


def test_smoothed_losses_are_no_log_softmax() -> None:
    runs = sim.probe(sim.baseline)
    plain = runs.by_name["A"]
    events = tuple(
        replace(event, text=SMOOTHED) if event.kind is Kind.LOSS else event for event in plain.trace.events
    )
    smoothed = replace(plain, trace=replace(plain.trace, events=events))
    for run, share in ((plain, 1.0), (smoothed, 0.0)):
        (headline,) = (
            end for end in compare.phases(replace(runs, by_name={**runs.by_name, "A": run})) if end.headline
        )
        (end,) = (test for test in headline.tests if test.test is finding.Test.NORMALISATION)
        assert end.power["log_softmax_share"] == share
