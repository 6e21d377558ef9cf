"""Watching real processes of our own: stamps, limits, what is left behind."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from audits.challenges import load_challenge
from containers.engine.live import LiveExit
from harness.replay.events import Seen, read_events
from harness.replay.files import watch_files
from harness.replay.limits import Breached
from harness.replay.phases import Phase
from harness.replay.recording import Recording
from harness.replay.statements import Dialect
from harness.replay.watch import Watched, Watcher
from tests.harness.replay.own_process import CAPS, OwnProcess

ROOT = Path(__file__).parents[3]


def watch(code: str, folder: Path, *, raw_bytes: int = 10_000_000) -> Watched:
    scratch = folder / "scratch"
    scratch.mkdir()
    recording = Recording(folder, Dialect(load_challenge("parameter_golf")), raw_bytes)
    launched = time.monotonic()
    watcher = Watcher(OwnProcess(code, scratch), recording, CAPS, launched)
    files = watch_files(scratch, watcher.now, watcher.note)
    try:
        return watcher.watch()
    finally:
        if files is not None:
            files.stop()
            files.join()


TRUTHFUL = """
    import os, time
    t = time.monotonic
    print("seed:1"); time.sleep(0.3)
    print("step:0/9 val_loss:7.0000 val_bpb:4.0000 train_time:0ms"); began = t()
    for step in range(1, 9):
        time.sleep(0.1); print(f"step:{step}/9 train_loss:5.0 train_time:{1000*(t()-began):.0f}ms")
    print(f"TRUTH train {t()-began}")
    print(f"stopping_early: wallclock_cap train_time:{1000*(t()-began):.0f}ms step:8/9")
    with open("model.bin", "wb") as f: f.write(os.urandom(5000))
    time.sleep(0.3)
    with open("model.bin", "rb") as f: f.read()
    began = t(); time.sleep(0.5)
    print(f"final val_loss:2.0000 val_bpb:1.2000 eval_time:{1000*(t()-began):.0f}ms")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs inotify")
def test_boundaries_are_within_a_fifth_of_a_second_of_the_runs_own_truth(tmp_path: Path) -> None:
    watched = watch(TRUTHFUL, tmp_path)
    assert watched.exit == LiveExit(0)
    assert watched.breach is None
    truth = next(
        float(line.split()[2]) for line in (tmp_path / "raw.log").read_text().splitlines() if "TRUTH" in line
    )
    training = watched.tracker.training
    assert training.low - 0.2 <= truth <= training.high + 0.2
    assert training.width < 0.3
    spans = {span.phase: span for span in watched.tracker.spans}
    evaluation = spans[Phase.EVALUATION]
    assert evaluation.seconds.high == pytest.approx(0.5, abs=0.2)
    assert spans[Phase.SERIALISATION].seconds.high == pytest.approx(0.3, abs=0.2)


def test_training_past_the_cap_is_stopped_within_two_seconds(tmp_path: Path) -> None:
    watched = watch(
        """
        import time, signal
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print("step:0/9 val_loss:7.0000 val_bpb:4.0000 train_time:0ms")
        for step in range(1, 999):
            time.sleep(0.1); print(f"step:{step}/999 train_loss:5.0 train_time:5ms")
        """,
        tmp_path,
    )
    assert watched.breach is not None
    assert watched.breach.breached is Breached.TRAIN
    assert watched.exit == LiveExit(None, signal.SIGKILL)
    stopped = next(e.seconds for e in read_events(tmp_path / "events.jsonl") if e.seen is Seen.STOPPED)
    assert watched.wall_seconds - stopped < 2.0
    assert stopped < 1.2 + 1.0 + 0.5


def test_an_exit_code_is_taken_from_the_system_not_from_the_output(tmp_path: Path) -> None:
    watched = watch("print('exit code 0, all passed'); raise SystemExit(3)", tmp_path)
    assert watched.exit == LiveExit(3)


def test_output_beyond_the_cap_is_counted_and_dropped(tmp_path: Path) -> None:
    watched = watch("for _ in range(3000): print('x' * 999)", tmp_path, raw_bytes=100_000)
    assert watched.exit == LiveExit(0)
    size = (tmp_path / "raw.log").stat().st_size
    assert 100_000 <= size < 101_000
    assert b"counted and dropped" in (tmp_path / "raw.log").read_bytes()[-200:]


def test_a_run_that_stops_for_a_moment_without_output_is_not_lost(tmp_path: Path) -> None:
    watched = watch("import os, time; os.close(1); os.close(2); time.sleep(0.5)", tmp_path)
    assert watched.exit == LiveExit(0)
    assert watched.wall_seconds > 0.5


def test_a_flood_of_output_is_recorded_in_bounded_memory() -> None:
    # 256 MiB here; by hand the 3 GB of a run of four hours (docs/replay.md says with what result).
    command = [sys.executable, "-m", "tests.harness.replay.flood", "--mebibytes", "256"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    said = json.loads(done.stdout)
    assert said["exit"] == 0
    assert said["printed_bytes"] >= 256 << 20
    assert said["last_val_bpb"] == 2.12345678
    assert said["rss_peak_mib"] - said["rss_before_mib"] < 100
