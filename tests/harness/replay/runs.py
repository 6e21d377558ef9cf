"""Scripted runs for the phase tests: what a run prints and does, and when, without running anything."""

from __future__ import annotations

from audits.challenges import load_challenge
from harness.replay.events import Event, Seen
from harness.replay.phases import Tracker
from harness.replay.statements import Dialect

DIALECT = Dialect(load_challenge("parameter_golf"))


def follow(*observed: tuple[float, str]) -> Tracker:
    """Return a tracker that saw lines (plain text) and files (`+path` written, `<path` read)."""
    tracker = Tracker()
    for seconds, what in observed:
        see(tracker, seconds, what)
    return tracker


def see(tracker: Tracker, seconds: float, what: str) -> None:
    """Show one thing to a tracker."""
    if what.startswith("+"):
        tracker.see(Event(seconds, Seen.FILE_WRITTEN, {"path": what[1:]}))
    elif what.startswith("<"):
        tracker.see(Event(seconds, Seen.FILE_READ, {"path": what[1:]}))
    elif what == "END":
        tracker.see(Event(seconds, Seen.ENDED, {}))
    else:
        tracker.see(Event(seconds, Seen.LINE, {"text": what}), DIALECT.read(what))


HONEST = (
    (3.0, "val_loader:shards pattern=x tokens:52608"),
    (3.5, "seed:42"),
    (4.0, "warmup_step:1/20"),
    (6.0, "warmup_step:20/20"),
    (8.0, "step:0/200 val_loss:6.9359 val_bpb:3.7564 train_time:0ms step_avg:0.00ms"),
    (9.0, "step:10/200 train_loss:6.0 train_time:990ms step_avg:99.0ms"),
    (18.0, "step:100/200 train_loss:5.0 train_time:9990ms step_avg:99.9ms"),
    (20.0, "step:100/200 val_loss:5.0 val_bpb:2.7 train_time:10000ms step_avg:100.0ms"),
    (21.0, "step:110/200 train_loss:5.0 train_time:10980ms step_avg:99.8ms"),
    (29.8, "step:198/200 train_loss:4.0 train_time:19790ms step_avg:99.9ms"),
    (32.0, "step:200/200 val_loss:4.0 val_bpb:2.3 train_time:20000ms step_avg:100.0ms"),
    (32.1, "stopping_early: wallclock_cap train_time:20000ms step:200/200"),
    (35.0, "+final_model.int8.ptz"),
    (35.2, "Serialized model int8+zlib: 259628 bytes"),
    (35.3, "<final_model.int8.ptz"),
    (41.0, "quantized val_loss:4.18876638 val_bpb:2.26856045"),
    (50.0, "legal_ttt val_loss:4.1722 val_bpb:2.2596 eval_time:8800ms"),
    (50.5, "END"),
)
