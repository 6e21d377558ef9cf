"""A launcher that hands on to a trainer is seen like the trainer; what only a process can give stays one."""

import sys

import pytest

pytest.importorskip("torch", reason="needs the cpu extra")

from containers.inside.source import children

pytestmark = pytest.mark.torch
LAUNCHER = """
import os, subprocess
from pathlib import Path
vocab_size = 512
root = Path(__file__).resolve().parents[3]
env = {**os.environ, "ITERATIONS": "60"}
subprocess.run(["python3", str(root / "trainer.py"), "--go"], check=True, env=env)
assert "ITERATIONS" not in os.environ
"""
TRAINER = """
import os, sys
assert __name__ == "__main__" and sys.argv[1:] == ["--go"], sys.argv
iterations = int(os.environ["ITERATIONS"])
open("out.bin", "w").write(str(iterations))
print(f"final official_bpb: 1.{iterations}5")
sys.exit(STATUS)
"""


@pytest.fixture
def launched(inside, vocabulary):
    def run(status):
        (inside.folder / "data").symlink_to(vocabulary)
        folder = inside.folder / "submission" / ".repository"
        folder.mkdir(parents=True)
        (folder / "trainer.py").write_text(TRAINER.replace("STATUS", status))
        reports = inside.smoke(LAUNCHER, stages=["run"])
        return next(line for line in reports if line["event"] == "stage"), reports

    return run


def test_a_launcher_runs_what_lies_in_the_repository_at_tiny_scale(launched):
    stage, reports = launched("0")
    assert stage["error"] is None, stage
    assert stage["figures"]["scaled"]["ITERATIONS"] == [60, 3]
    shims = {line["name"] for line in reports if line["event"] == "shim"}
    assert {"child-in-process", "repository-files"} <= shims
    (evaluation,) = [line for line in reports if line["event"] == "evaluation"]
    assert evaluation["val_bpb"] == 1.35


def test_a_child_that_fails_fails_the_launcher(launched):
    stage, _ = launched("3")
    assert (stage["status"], stage["error"]["class"]) == ("failed", "CalledProcessError")
    assert "status 3" in stage["error"]["message"]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["python3", "-u", "a.py", "x"], ["a.py", "x"]),
        ([sys.executable, "a.py"], ["a.py"]),
        (["torchrun", "--standalone", "--nproc_per_node=8", "a.py", "x"], ["a.py", "x"]),
        (["python", "-m", "torch.distributed.run", "--nproc_per_node=8", "a.py"], ["a.py"]),
        (["python", "-c", "print(1)"], []),
        (["python", "-m", "pip", "install", "x"], []),
        (["nvidia-smi"], []),
        ([], []),
    ],
)
def test_only_plain_scripts_are_run_here(command, words):
    assert children.script_and_arguments(command) == words
