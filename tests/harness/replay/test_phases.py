"""Phases and their boundaries, from scripted observations."""

from __future__ import annotations

import itertools

import pytest

from harness.replay.interval import Interval
from harness.replay.limits import Breached, Caps, breach
from harness.replay.phases import MAX_SPANS, MAX_WRITTEN, Phase, Tracker
from tests.harness.replay.runs import HONEST, follow, see

CAPS = Caps(
    train_seconds=20.0,
    train_tolerance_seconds=1.0,
    eval_seconds=20.0,
    eval_tolerance_seconds=1.0,
    preparation_seconds=10.0,
    setup_seconds=60.0,
    silence_seconds=40.0,
)


def near(interval: Interval, low: float, high: float) -> bool:
    return (interval.low, interval.high) == (pytest.approx(low), pytest.approx(high))


def test_training_counts_steps_and_leaves_validation_out() -> None:
    tracker = follow(*HONEST)
    # Segments: 8 to (18..20), 20 to (29.8..32), and what may lie between the last validation and the stop.
    assert near(tracker.training, 19.8, 24.1)
    assert tracker.own_training == 20.0
    assert tracker.training.holds(tracker.own_training)


def test_phases_follow_one_another_and_cover_the_run() -> None:
    spans = follow(*HONEST).spans
    order = [name for name, _ in itertools.groupby(span.phase for span in spans)]
    assert order == [
        Phase.SETUP,
        Phase.WARM_UP,
        Phase.VALIDATION,
        Phase.TRAIN,
        Phase.VALIDATION,
        Phase.TRAIN,
        Phase.VALIDATION,
        Phase.TRAIN,
        Phase.SERIALISATION,
        Phase.DECOMPRESSION,
        Phase.EVALUATION,
    ]
    for before, after in itertools.pairwise(spans):
        assert before.end.low <= after.start.high + 1e-9


FIXED_STEPS = (
    (1.0, "step:0/150 val_loss:6.9366 val_bpb:3.7568 train_time:0ms step_avg:0.00ms"),
    (9.5, "step:150/150 train_loss:4.9010 train_time:8500ms step_avg:56.7ms"),
)
WRITTEN = ((11.030, "+final_model.ptz"), (11.031, "<final_model.ptz"))
SAID = (
    (11.032, "step:150/150 val_loss:4.6933 val_bpb:2.5418 train_time:8500ms step_avg:56.7ms"),
    (11.033, "Serialized model int8+zlib: 262241 bytes"),
)
RESULT = (13.0, "final val_loss:4.69326128 val_bpb:2.54178580 eval_time:1900ms")


def test_files_that_are_seen_before_the_lines_that_were_printed_first_are_no_training() -> None:
    tracker = follow(*FIXED_STEPS, *WRITTEN, *SAID, RESULT)
    assert near(tracker.training, 8.5, 10.033)
    assert tracker.artifact_path == "final_model.ptz"
    spans = {span.phase: span for span in tracker.spans}
    assert near(spans[Phase.DECOMPRESSION].start, 11.033, 11.033)
    assert near(spans[Phase.EVALUATION].seconds, 0.0, 1.967)


def test_an_observation_that_comes_late_is_no_crash_and_no_time_before_the_last() -> None:
    late = (10.9, "Total submission size int8+zlib: 277979 bytes")
    tracker = follow(*FIXED_STEPS, *SAID, *WRITTEN, late, RESULT)
    assert all(span.start.low <= span.end.high for span in tracker.spans)
    assert tracker.training.holds(8.5)


def test_a_checkpoint_that_is_read_in_the_midst_of_training_is_not_the_artifact() -> None:
    step = (9.0, "step:140/150 train_loss:4.9010 train_time:8000ms step_avg:56.7ms")
    later = ((11.5, "+final_model.ptz"), (11.6, "<final_model.ptz"))
    tracker = follow(FIXED_STEPS[0], (3.0, "+ckpt.pt"), (3.1, "<ckpt.pt"), step, *SAID, *later, RESULT)
    assert tracker.artifact_path == "final_model.ptz"


def test_a_run_that_states_nothing_but_its_result_has_the_artifact_that_it_read_last() -> None:
    assert follow(*FIXED_STEPS, *WRITTEN, RESULT).artifact_path == "final_model.ptz"


def test_a_flood_of_results_takes_bounded_memory_and_keeps_the_last() -> None:
    tracker = follow(*FIXED_STEPS, *SAID)
    for number in range(MAX_SPANS + 50):
        see(tracker, 12.0 + number / 1000, "final val_loss:4.0 val_bpb:2.5000")
        see(tracker, 12.0 + number / 1000, f"+file{number}")
    see(tracker, 999.0, "final val_loss:4.0 val_bpb:2.1234")
    assert len(tracker.spans) == MAX_SPANS
    assert tracker.spans[-1].val_bpb == 2.1234
    assert len(tracker.written) == MAX_WRITTEN


def test_reading_the_artifact_is_a_boundary_of_its_own() -> None:
    spans = {span.phase: span for span in follow(*HONEST).spans}
    assert spans[Phase.SERIALISATION].end == Interval.exactly(35.3)
    assert spans[Phase.DECOMPRESSION].start == Interval.exactly(35.3)


def test_each_result_is_an_evaluation_with_its_own_clock_beside() -> None:
    first, second = [span for span in follow(*HONEST).spans if span.phase is Phase.EVALUATION]
    assert first.label == "quantized"
    assert near(first.seconds, 0.0, 5.7)
    assert (second.label, second.own_seconds) == ("legal_ttt", 8.8)
    assert second.seconds.high == pytest.approx(9.0)
    assert second.val_bpb == 2.2596


def test_progress_narrows_an_evaluation_from_below() -> None:
    tracker = follow(
        *HONEST[:-3],
        (36.0, "ttt_chunk [1/100] bpb=1.2"),
        (45.0, "ttt_chunk [99/100] bpb=1.2"),
        (46.0, "legal_ttt val_loss:4.1722 val_bpb:2.2596"),
    )
    span = tracker.spans[-1]
    assert near(span.seconds, 10.0, 10.7)


def test_a_step_after_the_cap_stops_the_run_and_one_step_over_does_not() -> None:
    tracker = follow(*HONEST[:8])
    see(tracker, 30.9, "step:205/400 train_loss:4.0 train_time:20900ms step_avg:100ms")
    assert breach(tracker, CAPS, 31.0) is None
    see(tracker, 40.0, "step:300/400 train_loss:4.0 train_time:20000ms step_avg:100ms")
    found = breach(tracker, CAPS, 40.0)
    assert found is not None
    assert found.breached is Breached.TRAIN
    assert found.seconds > 21.0


def test_a_clock_that_lies_is_outside_what_was_observed() -> None:
    tracker = follow(
        (8.0, "step:0/200 val_loss:6.9 val_bpb:3.7 train_time:0ms step_avg:0.00ms"),
        (9.0, "step:10/200 train_loss:6.0 train_time:100ms step_avg:10ms"),
        (18.0, "step:100/200 train_loss:5.0 train_time:1000ms step_avg:10ms"),
        (18.1, "stopping_early: wallclock_cap train_time:1000ms step:100/200"),
    )
    assert not tracker.training.holds(tracker.own_training or 0.0, slack=0.5)


def test_silent_scoring_is_stopped_only_beyond_all_that_may_be_granted() -> None:
    tracker = follow(*HONEST[:-3])
    assert breach(tracker, CAPS, 35.3 + 30.9) is None
    found = breach(tracker, CAPS, 35.3 + 31.5)
    assert found is not None
    assert found.breached is Breached.EVALUATION


def test_visible_scoring_is_stopped_at_the_cap() -> None:
    tracker = follow(*HONEST[:-3], (36.0, "ttt_chunk [1/100] bpb=1.2"))
    assert breach(tracker, CAPS, 56.9) is None
    found = breach(tracker, CAPS, 57.1)
    assert found is not None
    assert found.seconds == pytest.approx(21.1)


def test_no_sign_of_life_is_silence_not_training() -> None:
    tracker = follow(*HONEST[:7])
    found = breach(tracker, CAPS, 18.0 + 40.1)
    assert found is not None
    assert found.breached is Breached.SILENCE


def test_a_run_that_never_trains_is_stopped_at_its_setup() -> None:
    found = breach(follow((50.0, "seed:42")), CAPS, 60.5)
    assert found is not None
    assert found.breached is Breached.SETUP


def test_calibration_is_bounded_by_the_observations_around_it() -> None:
    tracker = follow(
        *HONEST[:12],
        (36.5, "gptq:calibrated 24 layers in 4.1s"),
    )
    span = tracker.spans[-1]
    assert span.phase is Phase.CALIBRATION
    assert span.own_seconds == 4.1
    assert near(span.seconds, 0.0, 4.4)


def test_an_interval_cannot_be_empty() -> None:
    with pytest.raises(ValueError, match="empty"):
        Interval(2.0, 1.0)


def test_a_tracker_is_not_moved_by_what_it_does_not_know() -> None:
    tracker = Tracker()
    see(tracker, 1.0, "hello 3/4")
    assert tracker.phase is Phase.SETUP
    assert tracker.spans == []
