"""`referee probe` and `referee review --probe` from the outside: text, JSON, exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from harness.cli import app
from harness.errors import ExitCode
from harness.smoke.workshop import Setup, Workshop
from tests.containers.probe_boxes import LEAK, honest, lines, phase
from tests.containers.smoke_boxes import SCRIPT

if TYPE_CHECKING:
    from containers.request import SandboxRequest
    from containers.result import SandboxResult


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "records" / "track_10min_16mb" / "2026-04-01_Made"
    made.mkdir(parents=True)
    (made / "train_gpt.py").write_text(SCRIPT, encoding="utf-8")
    return made


def call(
    monkeypatch: pytest.MonkeyPatch, box: SandboxResult | None, *arguments: str
) -> tuple[int, str, list[SandboxRequest]]:
    asked: list[SandboxRequest] = []

    def run(request: SandboxRequest) -> SandboxResult:
        asked.append(request)
        assert box is not None
        return box

    there = Workshop(Setup(), "referee-smoke:test", "docker", run)
    gone = Workshop(Setup(), problem="no engine answers", hint="start Docker")
    monkeypatch.setattr(
        "harness.smoke.workshop.open_workshop", lambda setup, say=None: there if box else gone
    )
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.stdout, asked


def test_text_opens_with_the_place_and_the_verdict(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    code, text, asked = call(monkeypatch, honest(), "probe", str(folder))
    place, line, *rows = text.splitlines()
    assert code == ExitCode.CLEAN
    assert place.endswith("2026-04-01_Made")
    assert line.startswith("CLEAN: no violation seen in 997 scores of eval_val")
    assert any("planted caught 17" in row for row in rows)
    job = json.loads(asked[0].job)
    assert (job["kind"], job["clock"], asked[0].command[-1]) == ("probe", "virtual", "referee_inside.probe")


def test_a_leak_has_the_code_of_a_violation(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    box = honest(*lines(headline=phase(LEAK)))
    code, text, _ = call(monkeypatch, box, "probe", str(folder), "--format", "json")
    document = json.loads(text)
    assert code == ExitCode.VIOLATION
    assert (document["verdict"], document["conditions"]) == ("LEAK", ["C3"])
    assert document["phases"][0]["tests"][0]["magnitude"] == 0.07


def test_blind_is_for_a_person_and_no_engine_is_no_run(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    blind, _, _ = call(monkeypatch, honest(exit_code=3), "probe", str(folder))
    none, text, _ = call(monkeypatch, None, "probe", str(folder))
    assert (blind, none) == (ExitCode.FLAG, ExitCode.NOT_RUN)
    assert "start Docker" in text


def test_a_review_probes_only_where_it_is_asked_to(
    monkeypatch: pytest.MonkeyPatch, folder: Path, tmp_path: Path
) -> None:
    words = ("review", str(folder), "--skip", "smoke", "--format", "json")
    box = honest(*lines(headline=phase(LEAK)))
    _, without, asked = call(monkeypatch, box, *words)
    assert not asked
    assert [stage["name"] for stage in json.loads(without)["folders"][0]["stages"]] == ["smoke"]
    kept = tmp_path / "run"
    code, text, _ = call(monkeypatch, box, *words, "--probe", "--run-dir", str(kept))
    review = json.loads(text)["folders"][0]
    assert code == ExitCode.VIOLATION
    assert (review["verdict"], "probe-suffix" in review["deciding"]) == ("ILLEGAL", True)
    document = json.loads((kept / "probe" / "0.json").read_text(encoding="utf-8"))
    assert document["result"]["verdict"] == "LEAK"
