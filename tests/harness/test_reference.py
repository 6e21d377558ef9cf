"""`referee train` and `referee pack` start the reference in a process of its own and pass its word on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness import reference
from harness.cli import app

CLI = CliRunner()


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    commands: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        return subprocess.CompletedProcess(command, 3)

    monkeypatch.setattr(reference.subprocess, "run", run)
    return commands


def test_train_is_a_command_line_and_its_exit_code_is_ours(started: list[list[str]]) -> None:
    options = [
        "--preset",
        "micro",
        "--seed",
        "7",
        "--set",
        "model.backout=true",
        "--set",
        "train.iterations=2",
    ]
    result = CLI.invoke(app, ["train", *options, "--out", "run"])
    assert result.exit_code == 3
    assert started[0][:4] == [sys.executable, "-m", "reference_impl", "train"]
    passed_on = ["--preset", "micro", "--data", "data", "--out", "run", "--seed", "7"]
    assert started[0][4:] == [*passed_on, "--set", "model.backout=true", "--set", "train.iterations=2"]


def test_several_processes_are_started_by_torchrun(started: list[list[str]]) -> None:
    CLI.invoke(app, ["train", "--processes", "2"])
    assert started[0][1:6] == ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", "-m"]
    assert CLI.invoke(app, ["train", "--processes", "9"]).exit_code == 2


def test_pack_names_its_artifact_and_form(started: list[list[str]]) -> None:
    CLI.invoke(app, ["pack", "model.rgolf", "--form", "brotli", "-o", "train_gpt.py"])
    assert started[0][3:] == [
        *("pack", "--preset", "record", "--form", "brotli", "--output", "train_gpt.py", "model.rgolf"),
    ]


def test_the_reference_is_found_from_any_directory(tmp_path: Path) -> None:
    """The subprocess needs no installed package and no present directory."""
    pytest.importorskip("torch", reason="needs the cpu extra")
    script = tmp_path / "train_gpt.py"
    code = (
        "import sys; from harness.reference import launch;"
        f" sys.exit(launch(['pack', '--preset', 'micro', '--output', {str(script)!r}]))"
    )
    result = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(reference.ROOT)!r}); {code}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "bytes left" in result.stdout
    assert script.read_text(encoding="utf-8").startswith('"""The reference of Golf Referee')
