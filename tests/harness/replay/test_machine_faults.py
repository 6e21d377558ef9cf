"""Real runs that end before their time: room on disk, a full disk, processes that somebody else killed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from containers.engine.interface import RUN_LABEL
from harness.replay.compare import Verdict
from harness.replay.limits import Breached
from harness.replay.measurement import Fault
from tests.harness.replay.replays import Runs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from containers.engine.docker import DockerEngine

pytestmark = [pytest.mark.torch, pytest.mark.xdist_group("docker")]
RANKS: Final = (
    ("import numpy as np\n", "import numpy as np\nimport torch\nimport torch.distributed as dist\n"),
    (
        "def main():",
        "def main():\n    dist.init_process_group('gloo')\n"
        "    if dist.get_rank():\n        globals()['print'] = lambda *a, **k: None",
    ),
    (
        "        time.sleep(STEP_SECONDS)",
        "        time.sleep(STEP_SECONDS)\n        dist.all_reduce(torch.ones(1))",
    ),
    (
        "    np.savez_compressed(",
        "    dist.barrier()\n    if dist.get_rank():\n        raise SystemExit\n    np.savez_compressed(",
    ),
)
"""Turns the counting script into one of several processes that wait for one another at every step."""


@contextlib.contextmanager
def killing(engine: DockerEngine, root: Path) -> Iterator[threading.Event]:
    """Kill one process of the script from outside once it trains; the event says that it happened."""
    done, over = threading.Event(), threading.Event()

    def kill() -> None:
        while not over.wait(0.2) and not done.is_set():
            for box in engine.client.containers.list(filters={"label": RUN_LABEL}):
                if str(root) not in str(box.attrs["Mounts"]):
                    continue
                if not list((root / "run" / "seeds").glob("*/raw.log")) or not printed(root):
                    continue
                rows = [row for row in box.top()["Processes"] if "train_gpt.py" in row[-1]]
                scripts = [row for row in rows if "python" in row[-1] and "torchrun" not in row[-1]]
                if scripts:
                    os.kill(int(scripts[-1][1]), signal.SIGKILL)
                    done.set()

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield done
    finally:
        over.set()
        thread.join()


def printed(root: Path) -> bool:
    """Return whether a step was printed: by then every process of the script runs."""
    return any("step:" in path.read_text() for path in root.glob("run/seeds/*/raw.log"))


def test_several_processes_of_one_run_reproduce_what_one_does(runs: Runs) -> None:
    # The launcher takes seconds to end after the result, on a busy machine.
    runs.profile = replace(runs.profile, eval_scale=1.0)
    comparison, measured = runs(*RANKS, nproc=2)
    assert comparison.verdict is Verdict.REPRODUCED, comparison.why
    assert measured.signs == ()


def test_a_rank_killed_from_outside_is_the_machines(runs: Runs, engine: DockerEngine, tmp_path: Path) -> None:
    with killing(engine, tmp_path) as killed:
        comparison, measured = runs(*RANKS, ('"ITERATIONS", 10', '"ITERATIONS", 30'), nproc=2)
    assert killed.is_set()
    assert measured.fault is Fault.INFRASTRUCTURE, measured.fault_evidence
    assert "a rank was killed" in measured.fault_evidence
    assert comparison.verdict is Verdict.INFRA_FAULT


def test_a_run_killed_from_outside_is_the_machines(runs: Runs, engine: DockerEngine, tmp_path: Path) -> None:
    with killing(engine, tmp_path) as killed:
        comparison, measured = runs(('"ITERATIONS", 10', '"ITERATIONS", 30'))
    assert killed.is_set()
    assert measured.fault is Fault.INFRASTRUCTURE, measured.fault_evidence
    assert comparison.verdict is Verdict.INFRA_FAULT


def test_a_run_that_writes_more_than_its_room_is_stopped_and_pays_for_it(runs: Runs) -> None:
    runs.profile = replace(runs.profile, scratch_gib=0.05)
    greedy = "\n".join(
        (
            "def main():",
            "    with open('hoard', 'wb') as f:",
            "        for _ in range(3000):",
            "            f.write(bytes(1 << 20))",
            "            time.sleep(0.01)",
        )
    )
    comparison, measured = runs(("def main():", greedy))
    assert comparison.verdict is Verdict.NOT_REPRODUCED, comparison.why
    assert measured.fault is Fault.SUBMISSION
    assert measured.breach is not None
    assert measured.breach.breached is Breached.SCRATCH
    assert sum(file.bytes for file in measured.files) < 1 << 30


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount a small file system")
def test_a_full_disk_is_the_machines(runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(small)], check=True)
    monkeypatch.setattr(tempfile, "tempdir", str(small))
    try:
        comparison, measured = runs()
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)
    assert measured.fault is Fault.INFRASTRUCTURE, measured.fault_evidence
    assert comparison.verdict is Verdict.INFRA_FAULT
