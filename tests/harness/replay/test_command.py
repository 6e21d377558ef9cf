"""`referee replay` as a person calls it: dry run, refusals, and going on after a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from containers.engine.docker import DockerEngine
from containers.engine.interface import RUN_LABEL
from tests.harness.replay.counting import folder

ROOT = Path(__file__).parents[3]
CLAIMS = {1: 2.33385, 2: 2.32759, 3: 2.36560}
pytestmark = [pytest.mark.torch, pytest.mark.xdist_group("docker")]


def command(*words: object) -> list[str]:
    return [sys.executable, "-c", "from harness.cli import main; main()", *map(str, words)]


def call(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*words), cwd=ROOT, capture_output=True, text=True, timeout=170, check=False)


def test_a_dry_run_shows_the_plan_and_runs_nothing(tmp_path: Path, data: Path) -> None:
    made = folder(tmp_path, CLAIMS)
    out = tmp_path / "run"
    done = call("replay", made, "--profile", "cpu-tiny", "--data", data, "--out", out, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "seeds    1, 2, 3" in done.stdout
    assert "from README.md:4" in done.stdout
    assert "overlap" in done.stdout
    assert not out.exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--profile", "none"], "there is no profile"),
        (["--profile", "cpu-tiny", "--seeds", "a"], "no list of numbers"),
        (["--profile", "cpu-tiny", "--env", "1=2"], "no NAME=VALUE"),
        (["--profile", "cpu-tiny"], "nobody is there to confirm"),
        (["--profile", "cpu-tiny", "--nproc", "0"], "--nproc 0"),
        (["--profile", "h100x8", "--yes"], "NVML does not answer"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    tmp_path: Path, data: Path, words: list[str], said: str
) -> None:
    done = call("replay", folder(tmp_path, CLAIMS), "--data", data, "--out", tmp_path / "run", *words)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_killed_replay_goes_on_where_it_was(tmp_path: Path, data: Path, engine: DockerEngine) -> None:
    made = folder(tmp_path, CLAIMS, (('"STEP_SECONDS", 0.1', '"STEP_SECONDS", 0.3'),))
    out = tmp_path / "run"
    words = (
        "replay",
        made,
        "--profile",
        "cpu-tiny",
        "--data",
        data,
        "--out",
        out,
        "--yes",
        "--format",
        "json",
    )
    first = out / "seeds" / "1" / "measurement.json"
    running = subprocess.Popen(
        command(*words), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    while not (out / "seeds" / "2" / "raw.log").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    running.send_signal(signal.SIGKILL)
    running.wait()
    left_behind = Path((out / "seeds" / "2" / "scratch.path").read_text())
    assert left_behind.is_dir()
    stamp = first.stat().st_mtime_ns
    refused = call(*words)
    assert refused.returncode == 2
    assert "--resume" in refused.stderr
    done = call(*words, "--resume")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["verdict"] == "REPRODUCED"
    assert [entry["seed"] for entry in report["seeds"]] == [1, 2, 3]
    assert first.stat().st_mtime_ns == stamp
    assert not left_behind.exists()
    assert list(out.rglob("scratch.path")) == []
    # The box of the killed call leaves by itself: its supervisor sees that nobody listens any more.
    while time.monotonic() < deadline + 30:
        left = engine.client.containers.list(filters={"label": RUN_LABEL})
        if not [box for box in left if str(tmp_path) in str(box.attrs["Mounts"])]:
            break
        time.sleep(0.2)
    assert [box for box in left if str(tmp_path) in str(box.attrs["Mounts"])] == []
    assert os.path.exists(out / "report.html")
    again = call("compare", out)
    assert again.returncode == 0
    assert call("report", out, "--format", "json").stdout == (out / "report.json").read_text()
