"""Real runs in a real box: the honest one reproduces, and each tampered copy ends as it deserves."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from audits.intake import load
from audits.launch import launch_plan
from audits.runner import audit
from containers.engine.docker import DockerEngine
from containers.engine.interface import RUN_LABEL
from containers.image import ensure_image
from harness.replay.compare import Comparison, Verdict
from harness.replay.keep import read_measurement
from harness.replay.measurement import Fault, SeedMeasurement
from harness.replay.plan import Overrides, make_plan
from harness.replay.profile import Profile, load_profile
from harness.replay.replaying import Bench, replay
from harness.rundir import ReplayDir
from tests.harness.replay.counting import folder

if TYPE_CHECKING:
    from collections.abc import Iterator

CLAIMS = {1: 2.33385, 2: 2.32759, 3: 2.36560}
pytestmark = [pytest.mark.torch, pytest.mark.xdist_group("docker")]


@pytest.fixture(scope="module")
def image(engine: DockerEngine) -> str:
    return ensure_image(progress=lambda line: None).id


@pytest.fixture(autouse=True)
def nothing_stays(engine: DockerEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No container of ours, no folder of a run and no file below it outlives a replay."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    yield
    left = engine.client.containers.list(all=True, filters={"label": RUN_LABEL}, ignore_removed=True)
    assert [box.name for box in left if str(tmp_path) in str(box.attrs.get("Mounts"))] == []
    assert list(temporary.iterdir()) == []


class Runs:
    """Replays of changed copies of the counting folder, with caps of seconds."""

    def __init__(self, engine: DockerEngine, image: str, data: Path, root: Path) -> None:
        self.engine, self.image, self.data, self.root = engine, image, data, root
        quick = replace(load_profile("cpu-tiny"), train_scale=0.15, eval_scale=0.1)
        seconds = {**dict(quick.seconds), "preparation": 1.0, "setup": 30.0, "silence": 20.0}
        self.profile: Profile = replace(quick, seconds=tuple(sorted(seconds.items())))

    def __call__(
        self,
        *changes: tuple[str, str],
        claims: dict[int, float] | None = None,
        seeds: tuple[int, ...] = (1,),
        split: bool = False,
    ) -> tuple[Comparison, SeedMeasurement]:
        made = folder(self.root, claims or CLAIMS, changes)
        result = audit(load(str(made)).submissions[0], rules=())
        assert result.facts is not None
        launch = launch_plan(result.submission, result.facts)
        plan = make_plan(launch, result.facts, self.profile, self.data, Overrides(seeds=seeds))
        # Caps of seconds make tests quick; the claims are those of this very run.
        plan = replace(plan, scaled=False)
        switch = (("EVAL_ONLY", "1"),) if split else None
        bench = Bench(self.engine, self.image, self.profile, result.facts, launch, switch)
        directory = ReplayDir(self.root / "run")
        comparison = replay(directory, plan, bench)
        return comparison, read_measurement(directory).seeds[-1]


@pytest.fixture
def runs(engine: DockerEngine, image: str, data: Path, tmp_path: Path) -> Runs:
    return Runs(engine, image, data, tmp_path)


def test_an_honest_run_reproduces_on_every_seed(runs: Runs) -> None:
    comparison, last = runs(seeds=(1, 2, 3))
    assert comparison.verdict is Verdict.REPRODUCED, comparison.why
    assert [round(entry.measured_bpb or 0, 5) for entry in comparison.seeds] == list(CLAIMS.values())
    assert last.signs == ()
    assert last.artifact.read_back
    assert last.artifact.model_path == "final_model.npz"
    assert last.missing_isolation == ()


def test_a_claim_that_is_too_good_does_not_reproduce(runs: Runs) -> None:
    comparison, _ = runs(claims={1: 2.2})
    assert comparison.verdict is Verdict.NOT_REPRODUCED


def test_an_artifact_over_the_cap_is_counted_from_the_file(runs: Runs) -> None:
    comparison, measured = runs(
        ('size = os.path.getsize("final_model.npz")', "size = 1000"),
        (
            "counts=counts.astype(np.uint16))",
            "counts=counts.astype(np.uint16), pad=rng.integers(0, 256, 400_000))",
        ),
    )
    assert comparison.verdict is Verdict.LIMIT_EXCEEDED
    assert measured.artifact.model_bytes is not None
    assert measured.artifact.model_bytes > 300_000


def test_training_that_ignores_the_cap_is_stopped(runs: Runs) -> None:
    comparison, measured = runs(
        ('"ITERATIONS", 10', '"ITERATIONS", 600'), ("if ms >= 1000.0 * MAX_WALLCLOCK_SECONDS", "if False")
    )
    assert comparison.verdict is Verdict.LIMIT_EXCEEDED
    assert measured.breach is not None
    assert measured.wall_seconds < 3.0 + 1.0 + 6.0


def test_a_silent_evaluation_that_takes_too_long_is_stopped(runs: Runs) -> None:
    comparison, _ = runs(("    rows = counts + 0.1", "    time.sleep(60)\n    rows = counts + 0.1"))
    assert comparison.verdict is Verdict.LIMIT_EXCEEDED


def test_a_forged_final_line_is_invalid(runs: Runs) -> None:
    comparison, _ = runs(("val_bpb:{bpb:.8f}", "val_bpb:{bpb - 0.3:.8f}"))
    assert comparison.verdict is Verdict.INVALID
    assert "imply" in comparison.why


def test_a_spoofed_clock_is_invalid(runs: Runs) -> None:
    comparison, _ = runs(
        (
            "import numpy as np\n",
            "import numpy as np\n\n_real = time.perf_counter\ntime.perf_counter = lambda: _real() / 9\n",
        ),
        ('"STEP_SECONDS", 0.1', '"STEP_SECONDS", 0.25'),
    )
    assert comparison.verdict is Verdict.INVALID
    assert "of training" in comparison.why


def test_a_way_out_is_invalid_even_when_its_failure_is_hidden(runs: Runs) -> None:
    hidden = "\n".join(
        (
            "def main():",
            "    import socket",
            "    try:",
            "        socket.create_connection(('192.0.2.1', 80), timeout=1)",
            "    except OSError:",
            "        pass",
        )
    )
    comparison, measured = runs(("def main():", hidden))
    assert comparison.verdict is Verdict.INVALID
    kinds = [sign.detail for sign in measured.signs if sign.kind == "network"]
    assert any("no way out" in detail for detail in kinds), kinds


def test_writing_outside_is_invalid(runs: Runs) -> None:
    hidden = "def main():\n    try:\n        open('/opt/left', 'w')\n    except OSError:\n        pass"
    comparison, _ = runs(("def main():", hidden))
    assert comparison.verdict is Verdict.INVALID
    assert "/opt/left" in comparison.why


def test_a_daemon_is_named_and_gone(runs: Runs) -> None:
    forked = "\n".join(
        (
            "def main():",
            "    if os.fork() == 0:",
            "        os.setsid()",
            "        os.closerange(0, 3)",
            "        os.execvp('sleep', ['sleep', '4321'])",
        )
    )
    comparison, measured = runs(("def main():", forked))
    assert comparison.verdict is Verdict.REPRODUCED
    assert any("sleep 4321" in name for name in measured.left_behind)
    running = subprocess.run(["pgrep", "-f", "sleep 4321"], capture_output=True, text=True, check=False)
    assert running.stdout == ""


def test_a_crash_is_the_submissions_and_shows_its_last_line(runs: Runs) -> None:
    comparison, measured = runs(("    restored = ", "    raise RuntimeError('no weights')\n    restored = "))
    assert comparison.verdict is Verdict.NOT_REPRODUCED
    assert measured.fault is Fault.SUBMISSION
    assert "no weights" in measured.fault_evidence


def test_printing_that_the_disk_is_full_does_not_make_it_so(runs: Runs) -> None:
    comparison, measured = runs(
        ("    restored = ", "    raise OSError(28, 'No space left on device')\n    restored = ")
    )
    assert measured.fault is Fault.SUBMISSION
    assert comparison.verdict is Verdict.NOT_REPRODUCED


def test_too_much_memory_is_the_submissions(runs: Runs) -> None:
    runs.profile = replace(runs.profile, memory_gib=0.25)
    comparison, measured = runs(("def main():", "def main():\n    held = np.ones(1 << 29)\n"))
    assert measured.fault is Fault.SUBMISSION
    assert "memory" in measured.fault_evidence
    assert comparison.verdict is Verdict.NOT_REPRODUCED


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


def test_a_run_killed_from_outside_is_the_machines(runs: Runs, engine: DockerEngine, tmp_path: Path) -> None:
    killed = threading.Event()

    def kill() -> None:
        while not killed.wait(0.2):
            for box in engine.client.containers.list(filters={"label": RUN_LABEL}):
                if str(tmp_path) not in str(box.attrs["Mounts"]):
                    continue
                rows = box.top()["Processes"]
                found = [row[1] for row in rows if "train_gpt.py" in row[-1] and "python" in row[-1]]
                for pid in found:
                    os.kill(int(pid), signal.SIGKILL)
                    killed.set()

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        comparison, measured = runs(('"ITERATIONS", 10', '"ITERATIONS", 25'))
    finally:
        killed.set()
        thread.join()
    assert measured.fault is Fault.INFRASTRUCTURE, measured.fault_evidence
    assert comparison.verdict is Verdict.INFRA_FAULT


def test_the_artifact_alone_gives_the_same_score(runs: Runs) -> None:
    comparison, measured = runs(split=True)
    assert comparison.verdict is Verdict.REPRODUCED, comparison.why
    assert measured.split is not None
    assert measured.split.val_bpb == pytest.approx(CLAIMS[1], abs=1e-5)


def test_a_loader_that_only_looks_for_training_shards_is_no_offence(runs: Runs) -> None:
    comparison, measured = runs(
        (
            "    if not EVAL_ONLY:",
            '    assert glob.glob(DATA_PATH + "/fineweb_train_*.bin")\n    if not EVAL_ONLY:',
        ),
        split=True,
    )
    assert comparison.verdict is Verdict.REPRODUCED, comparison.why
    assert measured.split is not None
    assert measured.split.val_bpb is not None


def test_training_shards_read_in_evaluation_are_invalid(runs: Runs) -> None:
    mixed = "\n".join(
        (
            '    train = load(DATA_PATH + "/fineweb_train_*.bin")',
            "    np.add.at(restored, (train[:-1], train[1:]), 1.0)",
            "    t1 = time.perf_counter()",
        )
    )
    comparison, measured = runs(("    t1 = time.perf_counter()", mixed), claims={1: 2.0}, split=True)
    assert comparison.verdict is Verdict.INVALID, comparison.why
    assert [sign.kind for sign in measured.signs if sign.proves] == ["split-eval"]


def test_a_score_that_was_not_computed_does_not_come_out_of_the_artifact(runs: Runs) -> None:
    script_end = '    print(f"final_exact'
    comparison, measured = runs(
        (script_end, "    if not EVAL_ONLY:\n        loss, bpb = loss * 0.9, bpb * 0.9\n" + script_end),
        claims={1: 2.1},
        split=True,
    )
    assert comparison.verdict is Verdict.INVALID, comparison.why
    assert "artifact alone" in comparison.why
    assert measured.score is not None
