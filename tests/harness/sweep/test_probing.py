"""Probes in a sweep: made once, kept, read again, weighed in the verdicts, exported."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from containers.failure import FailureKind, failed
from containers.probe_result import ProbeVerdict
from containers.result import Ending, SandboxResult
from harness.probe.probing import ProbeSetup
from harness.sweep import probing, smoking
from harness.sweep.export import export
from harness.sweep.reader import Reader
from tests.containers.probe_boxes import LEAK, honest, lines, phase
from tests.harness.sweep.mirrors import make_mirror, run
from tests.harness.sweep.test_smoking import Boxes

if TYPE_CHECKING:
    from pathlib import Path

    from tests.audits.repository import Repository

LEAKING = honest(*lines(headline=phase(LEAK)))
SLOW = replace(honest(*lines()[:-1]), ending=Ending.TIMED_OUT, exit_code=None)
NO_SPACE = replace(honest(), ending=Ending.NEVER_RAN, failure=failed(FailureKind.NO_SPACE, "disk full"))


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return make_mirror(tmp_path_factory.mktemp("mirror"))


@pytest.fixture(scope="module")
def swept(mirror: Repository, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("swept")
    run(mirror, out)
    return out


@pytest.fixture
def out(swept: Path, tmp_path: Path) -> Path:
    copied = tmp_path / "run"
    copied.mkdir()
    (copied / "sweep.sqlite").write_bytes((swept / "sweep.sqlite").read_bytes())
    return copied


def probe(
    monkeypatch: pytest.MonkeyPatch, mirror: Repository, out: Path, box: SandboxResult, *, retry: bool = False
) -> tuple[int, set[ProbeVerdict]]:
    """Sweep with probes; return how many were made now, and every verdict."""
    boxes = Boxes(lambda request: box)
    monkeypatch.setattr(smoking, "open_for_sweep", lambda setup, say: boxes.workshop)
    report, _ = run(mirror, out, probe=ProbeSetup(), retry_crashed=retry)
    assert report.probed == boxes.asked
    reader = Reader.open(out)
    verdicts = {result.verdict for result in reader.probes().values()}
    reader.close()
    return report.probed, verdicts


def test_every_folder_is_probed_once_and_the_next_sweep_probes_nothing(
    monkeypatch: pytest.MonkeyPatch, mirror: Repository, out: Path
) -> None:
    assert probe(monkeypatch, mirror, out, honest()) == (5, {ProbeVerdict.CLEAN})
    assert probe(monkeypatch, mirror, out, LEAKING) == (0, {ProbeVerdict.CLEAN})


def test_a_new_reading_is_made_from_the_recordings_without_a_run(
    monkeypatch: pytest.MonkeyPatch, mirror: Repository, out: Path
) -> None:
    probe(monkeypatch, mirror, out, honest())
    monkeypatch.setattr(probing, "judge_version", lambda: "another")
    monkeypatch.setattr("containers.probe_judge.POWER", ("something new",))
    assert probe(monkeypatch, mirror, out, honest()) == (0, {ProbeVerdict.UNCLEAR})


def test_a_fault_of_the_environment_is_tried_again_and_an_unfinished_one_on_request(
    monkeypatch: pytest.MonkeyPatch, mirror: Repository, out: Path
) -> None:
    assert probe(monkeypatch, mirror, out, NO_SPACE)[1] == {ProbeVerdict.BLIND}
    assert probe(monkeypatch, mirror, out, SLOW)[0] == 5
    assert probe(monkeypatch, mirror, out, honest())[0] == 0
    assert probe(monkeypatch, mirror, out, honest(), retry=True) == (5, {ProbeVerdict.CLEAN})


def test_a_leak_is_illegal_in_the_kept_verdict_under_every_policy_and_stays_so(
    monkeypatch: pytest.MonkeyPatch, mirror: Repository, out: Path
) -> None:
    probe(monkeypatch, mirror, out, LEAKING)
    run(mirror, out)
    reader = Reader.open(out)
    for item in reader.judged():
        assert {verdict.overall for verdict in item.verdicts.values()} == {"ILLEGAL"}
    export(reader, out / "sweep.jsonl", "jsonl")
    reader.close()
    rows = [json.loads(line) for line in (out / "sweep.jsonl").read_text().splitlines()]
    assert {(row["probe"], *row["probe_conditions"]) for row in rows if row["folder"]} == {("LEAK", "C3")}


def test_of_a_labelled_pull_request_only_the_labelled_folder_is_probed(
    monkeypatch: pytest.MonkeyPatch, mirror: Repository, tmp_path: Path
) -> None:
    labels = tmp_path / "labels.jsonl"
    named = ({"pr": 5, "folder": "2026-04-05_Two"}, {"pr": 2, "folder": "renamed since"}, {"pr": 1})
    labels.write_text("".join(json.dumps(label) + "\n" for label in named))
    boxes = Boxes(lambda request: honest())
    monkeypatch.setattr(smoking, "open_for_sweep", lambda setup, say: boxes.workshop)
    report, _ = run(mirror, tmp_path / "run", probe=ProbeSetup(), labels=labels)
    reader = Reader.open(tmp_path / "run")
    assert set(reader.probes()) == {(1, 0), (2, 0), (5, 1)}
    reader.close()
    assert report.probed == 3
