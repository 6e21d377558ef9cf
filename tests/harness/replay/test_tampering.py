"""Real runs in a real box: the honest one reproduces, and each tampered copy ends as it deserves."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest

from harness.replay.compare import Verdict
from harness.replay.measurement import Fault
from tests.harness.replay.replays import CLAIMS, Runs

pytestmark = [pytest.mark.torch, pytest.mark.xdist_group("docker")]


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
