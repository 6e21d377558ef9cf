"""Smoke runs in a sweep: run once, kept, read again, tried again, merged into verdicts, exported."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from audits.errors import UserError
from containers.failure import FailureKind, failed
from containers.result import Ending, SandboxResult
from containers.smoke_result import Label
from harness.smoke.workshop import Setup, Workshop
from harness.sweep import smoking
from harness.sweep.export import export, rows_of
from harness.sweep.reader import Reader
from tests.containers.smoke_boxes import error, honest, stopped_at
from tests.harness.sweep.mirrors import make_mirror, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from containers.request import SandboxRequest
    from tests.audits.repository import Repository

MISSING = stopped_at(
    "import", error("ModuleNotFoundError", "No module named 'env_utils'", module="env_utils")
)
NO_SPACE = replace(honest(), ending=Ending.NEVER_RAN, failure=failed(FailureKind.NO_SPACE, "disk full"))


class Boxes:
    """A workshop that answers from a list and counts how many boxes were open at a time."""

    def __init__(
        self, answer: Callable[[SandboxRequest], SandboxResult], image: str = "referee-smoke:1"
    ) -> None:
        self.answer = answer
        self.asked = 0
        self.open = self.most_open = 0
        self.lock = threading.Lock()
        self.workshop = Workshop(Setup(), image, "docker", self.run)

    def run(self, request: SandboxRequest) -> SandboxResult:
        with self.lock:
            self.asked += 1
            self.open += 1
            self.most_open = max(self.most_open, self.open)
        time.sleep(0.02)
        with self.lock:
            self.open -= 1
        return self.answer(request)


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return make_mirror(tmp_path_factory.mktemp("mirror"))


@pytest.fixture(scope="module")
def swept(mirror: Repository, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a sweep without smoke runs."""
    out = tmp_path_factory.mktemp("swept")
    run(mirror, out)
    return out


@pytest.fixture
def out(swept: Path, tmp_path: Path) -> Path:
    copied = tmp_path / "run"
    copied.mkdir()
    (copied / "sweep.sqlite").write_bytes((swept / "sweep.sqlite").read_bytes())
    return copied


def smoke(
    monkeypatch: pytest.MonkeyPatch, mirror: Repository, out: Path, boxes: Boxes, **options: Any
) -> tuple[int, dict[tuple[int, int], Label]]:
    """Sweep with smoke runs; return how many ran now, and every label."""
    monkeypatch.setattr(smoking, "open_for_sweep", lambda setup, say: boxes.workshop)
    report, _ = run(mirror, out, smoke=Setup(), **options)
    reader = Reader.open(out)
    labels = {where: result.label for where, result in reader.smokes().items()}
    reader.close()
    return report.smoked, labels


def test_every_folder_is_run_once_and_the_next_sweep_runs_nothing(
    monkeypatch: pytest.MonkeyPatch, mirror: Repository, out: Path
) -> None:
    boxes = Boxes(lambda request: honest())
    ran, labels = smoke(monkeypatch, mirror, out, boxes)
    assert ran == 5
    assert labels == dict.fromkeys([(1, 0), (2, 0), (3, 0), (5, 0), (5, 1)], Label.PASS)
    assert smoke(monkeypatch, mirror, out, boxes)[0] == 0
    assert boxes.asked == 5


def test_no_more_boxes_than_asked_for_are_open_at_a_time(
    monkeypatch: pytest.MonkeyPatch, mirror: Repository, out: Path
) -> None:
    boxes = Boxes(lambda request: honest())
    smoke(monkeypatch, mirror, out, boxes, smoke_jobs=2)
    assert boxes.most_open == 2


def test_an_interrupted_sweep_keeps_what_had_ended_and_runs_only_the_rest(
    monkeypatch: pytest.MonkeyPatch, mirror: Repository, out: Path
) -> None:
    calls: list[SandboxRequest] = []

    def third_time_interrupted(request: SandboxRequest) -> SandboxResult:
        calls.append(request)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return honest()

    first = Boxes(third_time_interrupted)
    monkeypatch.setattr(smoking, "open_for_sweep", lambda setup, say: first.workshop)
    report, _ = run(mirror, out, smoke=Setup(), smoke_jobs=1)
    assert report.interrupted
    ran, labels = smoke(monkeypatch, mirror, out, Boxes(lambda request: honest()), smoke_jobs=1)
    assert 0 < ran < 5
    assert len(labels) == 5


def test_another_image_runs_everything_again(
    monkeypatch: pytest.MonkeyPatch, mirror: Repository, out: Path
) -> None:
    smoke(monkeypatch, mirror, out, Boxes(lambda request: honest()))
    assert smoke(monkeypatch, mirror, out, Boxes(lambda request: honest(), "smoke:2"))[0] == 5


def test_a_new_reading_is_made_from_the_recordings_without_a_run(
    monkeypatch: pytest.MonkeyPatch, mirror: Repository, out: Path
) -> None:
    boxes = Boxes(lambda request: MISSING)
    assert set(smoke(monkeypatch, mirror, out, boxes)[1].values()) == {Label.IMPORT_FAIL}
    monkeypatch.setattr(smoking, "judge_version", lambda: "another")
    monkeypatch.setattr("containers.smoke_judge.our_gap", lambda *rest: "known since today")
    ran, labels = smoke(monkeypatch, mirror, out, boxes)
    assert (ran, boxes.asked) == (0, 5)
    assert set(labels.values()) == {Label.SHIM_GAP}


def test_a_fault_of_the_environment_is_tried_again_and_a_fault_of_theirs_is_not(
    monkeypatch: pytest.MonkeyPatch, mirror: Repository, out: Path
) -> None:
    smoke(monkeypatch, mirror, out, Boxes(lambda request: NO_SPACE))
    assert smoke(monkeypatch, mirror, out, Boxes(lambda request: MISSING))[0] == 5
    ran, labels = smoke(monkeypatch, mirror, out, Boxes(lambda request: honest()))
    assert ran == 0
    assert set(labels.values()) == {Label.IMPORT_FAIL}


def test_what_a_limit_ended_is_run_again_where_that_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, mirror: Repository, out: Path
) -> None:
    slow = replace(honest(), ending=Ending.TIMED_OUT, exit_code=None)
    smoke(monkeypatch, mirror, out, Boxes(lambda request: slow))
    boxes = Boxes(lambda request: honest())
    assert smoke(monkeypatch, mirror, out, boxes)[0] == 0
    ran, labels = smoke(monkeypatch, mirror, out, boxes, retry_crashed=True)
    assert ran == 5
    assert set(labels.values()) == {Label.PASS}


def test_a_failed_run_flags_the_package_in_the_kept_verdict_under_every_policy(
    monkeypatch: pytest.MonkeyPatch, mirror: Repository, out: Path
) -> None:
    smoke(monkeypatch, mirror, out, Boxes(lambda request: MISSING))
    reader = Reader.open(out)
    for item in reader.judged():
        assert {verdict.axes["package"] for verdict in item.verdicts.values()} <= {"FLAG", "VIOLATION"}
    reader.close()


def test_merging_does_not_depend_on_how_often_a_sweep_is_run(
    monkeypatch: pytest.MonkeyPatch, mirror: Repository, out: Path
) -> None:
    boxes = Boxes(lambda request: MISSING)
    smoke(monkeypatch, mirror, out, boxes)
    reader = Reader.open(out)
    first = [item.verdicts for item in reader.judged()]
    reader.close()
    run(mirror, out)
    reader = Reader.open(out)
    assert [item.verdicts for item in reader.judged()] == first
    reader.close()


def test_exports_hold_label_stage_and_missing_module_and_no_time(
    monkeypatch: pytest.MonkeyPatch, mirror: Repository, out: Path
) -> None:
    smoke(monkeypatch, mirror, out, Boxes(lambda request: MISSING))
    reader = Reader.open(out)
    export(reader, out / "sweep.jsonl", "jsonl")
    rows = [json.loads(line) for line in (out / "sweep.jsonl").read_text().splitlines()]
    reader.close()
    (row,) = [row for row in rows if row["pr"] == 1]
    told = [row[name] for name in ("smoke", "smoke_stage", "smoke_error", "smoke_module")]
    assert told == ["IMPORT_FAIL", "import", "ModuleNotFoundError", "env_utils"]
    assert not [name for name in row if name.startswith("smoke") and "second" in name]


def test_a_sweep_without_smoke_runs_has_empty_columns_and_an_older_file_reads_as_such(swept: Path) -> None:
    reader = Reader.open(swept)
    assert reader.smokes() == {}
    assert {row["smoke"] for row in rows_of(reader)} == {""}
    reader.close()


def test_who_has_no_engine_hears_it_before_anything_is_read(
    monkeypatch: pytest.MonkeyPatch, mirror: Repository, tmp_path: Path
) -> None:
    none = Workshop(Setup(), problem="docker: not running", hint="start Docker")
    monkeypatch.setattr("harness.smoke.workshop.open_workshop", lambda setup, say: none)
    with pytest.raises(UserError, match="needs a box to run in: docker: not running"):
        run(mirror, tmp_path, smoke=Setup())
