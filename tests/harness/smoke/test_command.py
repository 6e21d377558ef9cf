"""`referee smoke` from the outside: text, JSON, exit codes, and what happens without an engine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from containers.smoke_result import Label, SmokeError
from harness.cli import app
from harness.errors import ExitCode
from harness.smoke.command import exit_code
from tests.containers.smoke_boxes import SCRIPT, error, honest, stopped_at
from tests.harness.smoke.runs import failed, passed, recorded

if TYPE_CHECKING:
    from containers.result import SandboxResult

ROOT = Path(__file__).parents[3]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "records" / "track_10min_16mb" / "2026-04-01_Made"
    made.mkdir(parents=True)
    (made / "train_gpt.py").write_text(SCRIPT, encoding="utf-8")
    (made / "tokenizer.model").write_bytes(b"\0pieces")
    return made


def smoke(monkeypatch: pytest.MonkeyPatch, box: SandboxResult, *arguments: str) -> tuple[int, str]:
    workshop, _ = recorded(box)
    monkeypatch.setattr("harness.smoke.workshop.open_workshop", lambda setup, say: workshop)
    result = CliRunner().invoke(app, ["smoke", *arguments])
    return result.exit_code, result.stdout


def test_text_opens_with_the_place_and_the_line(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    code, text = smoke(monkeypatch, honest(), str(folder))
    place, line, *rows = text.splitlines()
    assert code == 0
    assert place.endswith("2026-04-01_Made")
    assert line == "import OK in 0.03s, dim=512, layers=9, vocab=1024, code=45 B, SMOKE_TEST_PASS"
    assert any("17,059,912" in row for row in rows)


def test_json_of_one_submission_is_its_result(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    code, text = smoke(monkeypatch, honest(), str(folder), "--format", "json")
    document = json.loads(text)
    assert (code, document["label"], document["stage"]) == (0, "PASS", "run")


def test_json_of_several_is_a_list(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    _, text = smoke(monkeypatch, honest(), str(folder), str(folder), "--format", "json")
    assert [entry["label"] for entry in json.loads(text)] == ["PASS", "PASS"]


def test_hostile_text_reaches_the_terminal_as_text(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    box = stopped_at("import", error("ValueError", "\x1b[2J\u202egone", text="\x1b]0;title\x07"))
    code, text = smoke(monkeypatch, box, str(folder))
    assert code == ExitCode.NEEDS_AUTHOR_ACTION
    assert "IMPORT_FAIL" in text
    assert not {"\x1b", "\u202e", "\x07"} & set(text)


def test_binary_files_of_the_folder_are_laid_out(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    workshop, asked = recorded(honest())
    monkeypatch.setattr("harness.smoke.workshop.open_workshop", lambda setup, say: workshop)
    CliRunner().invoke(app, ["smoke", str(folder)])
    assert dict(asked[0].files)["tokenizer.model"] == b"\0pieces"


def test_a_link_out_of_the_folder_is_not_followed(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    (folder / "tokenizer.model").unlink()
    (folder / "tokenizer.model").symlink_to("/etc/hostname")
    (folder / "outside").symlink_to("/etc")
    workshop, asked = recorded(honest())
    monkeypatch.setattr("harness.smoke.workshop.open_workshop", lambda setup, say: workshop)
    CliRunner().invoke(app, ["smoke", str(folder)])
    assert [path for path, _ in asked[0].files] == ["train_gpt.py"]


CODES = [
    (Label.PASS, ExitCode.CLEAN),
    (Label.IMPORT_FAIL, ExitCode.NEEDS_AUTHOR_ACTION),
    (Label.RUN_FAIL, ExitCode.NEEDS_AUTHOR_ACTION),
    (Label.TIMEOUT, ExitCode.FLAG),
    (Label.RESOURCE, ExitCode.FLAG),
    (Label.ESCAPE_ATTEMPT, ExitCode.FLAG),
    (Label.SHIM_GAP, ExitCode.FLAG),
    (Label.INFRA_FAULT, ExitCode.NOT_RUN),
    (Label.NOT_RUN, ExitCode.NOT_RUN),
]


@pytest.mark.parametrize(("label", "code"), CODES)
def test_every_label_has_its_exit_code(label: Label, code: ExitCode) -> None:
    assert exit_code([failed(label, SmokeError("E", "m"))]) is code


def test_the_worst_of_several_decides_and_nothing_is_nothing_to_run() -> None:
    results = [passed(), failed(Label.RUN_FAIL), failed(Label.SHIM_GAP)]
    assert exit_code(results) is ExitCode.FLAG
    assert exit_code([]) is ExitCode.NOTHING_TO_AUDIT


def test_without_an_engine_nothing_runs_and_it_says_what_to_install(folder: Path, tmp_path: Path) -> None:
    (folder / "train_gpt.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n", encoding="utf-8")
    entry = "import sys; sys.argv[0] = 'referee'; from harness.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", entry, "smoke", str(folder), "--format", "json"],
        env={**os.environ, "DOCKER_HOST": "unix:///nowhere/docker.sock", "PATH": "/nowhere"},
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    document = json.loads(done.stdout)
    assert done.returncode == ExitCode.NOT_RUN
    assert document["label"] == "NOT_RUN"
    assert "Docker" in document["hint"]
    assert not (tmp_path / "ran").exists()
