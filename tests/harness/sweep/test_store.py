"""What was stored is read back unchanged; what Referee never wrote is refused."""

from __future__ import annotations

import csv
import json
import os
import pickle
import signal
import sqlite3
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
import zstandard

from audits.errors import UserError
from audits.location import Location
from audits.outcome import Axis, Evidence, Status
from audits.runner import audit
from harness.rundir import SweepDir
from harness.sweep.clusters import Sketch, name_clusters, sketch_of
from harness.sweep.export import FORMATS, export, rows_of
from harness.sweep.packing import DamagedStoreError, pack, unpack_record
from harness.sweep.reader import Reader, outcomes_from_json, outcomes_to_json
from harness.sweep.store import Store
from tests.audits.builders import make_outcome, make_submission
from tests.harness.sweep.mirrors import LEGAL, make_mirror, run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("store")
    run(make_mirror(path / "bare.git"), path / "run")
    return path / "run"


def test_facts_survive_being_packed() -> None:
    facts = audit(make_submission({"train_gpt.py": LEGAL, "README.md": "# x\n"})).facts
    assert unpack_record(pack(facts)) == facts


def test_outcomes_survive_being_stored() -> None:
    place = Evidence(Location("train_gpt.py", 3, 4, 1), "here", Status.CLEAN, confidence=0.25, pattern="x")
    made = (
        make_outcome("a-rule", Axis.METRIC, Status.FLAGGED, "because \u2581", place),
        make_outcome("b-rule", status=Status.DORMANT, dormant=("slot-scored",), dispute="casefold"),
    )
    assert outcomes_from_json(outcomes_to_json(made)) == made


class Evil:
    """Runs a command when it is unpickled."""

    def __reduce__(self) -> Any:
        return os.system, ("touch /tmp/never",)


@pytest.mark.parametrize(
    "record",
    [Evil(), eval, subprocess.Popen, Location.__init__],
    ids=["call", "builtin", "class", "method"],
)
def test_a_store_cannot_run_code(record: object) -> None:
    data = zstandard.ZstdCompressor().compress(pickle.dumps(record))
    with pytest.raises(DamagedStoreError):
        unpack_record(data)


@pytest.mark.parametrize(
    "data",
    [b"", b"nonsense", zstandard.ZstdCompressor().compress(b"\x80\x05")],
    ids=["empty", "no archive", "cut short"],
)
def test_damage_is_told_from_a_bug(data: bytes) -> None:
    with pytest.raises(DamagedStoreError):
        unpack_record(data)


def test_rows_are_complete_in_every_format(swept: Path, tmp_path: Path) -> None:
    reader = Reader.open(swept)
    rows = list(rows_of(reader))
    for format_ in FORMATS:
        export(reader, tmp_path / f"sweep.{format_}", format_)
    reader.close()
    assert [row["pr"] for row in rows] == [1, 2, 3, 4, 5, 5]
    assert [row["state"] for row in rows][3] == "nothing_to_audit"
    timings = [name for name in rows[0] if "seconds" in name]
    assert timings == ["train_seconds", "eval_seconds"], "what the run took, never what the sweep took"
    lines = [json.loads(line) for line in (tmp_path / "sweep.jsonl").read_text().splitlines()]
    assert lines == json.loads(json.dumps(rows))
    with (tmp_path / "sweep.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [row["legality"] for row in table] == [row["legality"] for row in rows]
    assert json.loads(table[0]["statuses"]) == rows[0]["statuses"]
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra `parquet`")
    columns = parquet.read_table(tmp_path / "sweep.parquet").to_pydict()
    assert columns["overall"] == [row["overall"] for row in rows]
    assert columns["pr"] == [1, 2, 3, 4, 5, 5]


def test_a_spreadsheet_is_given_no_formula(tmp_path: Path) -> None:
    from tests.audits.repository import Repository, record

    mirror = Repository(tmp_path / "bare.git")
    claims = json.dumps({"author": "=HYPERLINK(1)", "name": "@x", "val_bpb": 1.1})
    files = record("2026-04-01_Odd", **{"train_gpt.py": LEGAL, "submission.json": claims})
    mirror.pull(1, files)
    run(mirror, tmp_path / "run")
    reader = Reader.open(tmp_path / "run")
    export(reader, tmp_path / "x.csv", "csv")
    reader.close()
    with (tmp_path / "x.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["author"], row["name"]) == ("'=HYPERLINK(1)", "'@x")


def test_a_directory_without_a_sweep_is_said_to_be_one(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no sweep"):
        Reader.open(tmp_path)
    SweepDir(tmp_path).store.write_bytes(b"no database" * 100)
    for open_ in (Reader.open, Store.create):
        with pytest.raises(UserError, match=r"not a sweep|cannot write"):
            open_(tmp_path)


def test_a_sweep_of_another_format_is_refused(swept: Path, tmp_path: Path) -> None:
    target = SweepDir(tmp_path).store
    target.write_bytes(SweepDir(swept).store.read_bytes())
    connection = sqlite3.connect(target)
    connection.execute("PRAGMA user_version = 99")
    connection.commit()
    connection.close()
    with pytest.raises(UserError, match="another version"):
        Reader.open(tmp_path)


def test_kill_in_the_middle_and_resume_gives_the_same_export(tmp_path: Path) -> None:
    mirror = make_mirror(tmp_path / "bare.git")
    run(mirror, tmp_path / "whole")
    out = tmp_path / "killed"
    command = [
        *(sys.executable, "-c", "from harness.cli import main; main()", "sweep", "--repo", mirror.path),
        *("--out", str(out), "--jobs", "1"),
    ]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        known = _wait_for_facts(SweepDir(out).store, process)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert 0 < known < 4, "killed neither before the work began nor after it ended"
    report, _ = run(mirror, out)
    assert report.read <= 4 - known, "what was finished before the kill is not repeated"
    for name in ("whole", "killed"):
        reader = Reader.open(tmp_path / name)
        export(reader, tmp_path / f"{name}.jsonl", "jsonl")
        reader.close()
    assert (tmp_path / "whole.jsonl").read_bytes() == (tmp_path / "killed.jsonl").read_bytes()


def _wait_for_facts(path: Path, process: subprocess.Popen[bytes]) -> int:
    """Return how many facts there are as soon as there are some."""
    for _ in range(6000):
        if path.exists():
            try:
                connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
                (count,) = connection.execute("SELECT count(*) FROM facts").fetchone()
                connection.close()
            except sqlite3.Error:
                count = 0
            if count:
                return int(count)
        assert process.poll() is None, "the sweep ended before it could be killed"
        time.sleep(0.005)
    raise AssertionError("no facts in 30 s")


def test_scripts_are_near_identical_from_nine_tenths_on() -> None:
    lines = [f"value_{number} = {number}" for number in range(400)]

    def sketch(changed: int) -> bytes:
        text = "\n".join([*(f"other_{number} = 1" for number in range(changed)), *lines[changed:]])
        facts = audit(make_submission({"train_gpt.py": text})).facts
        assert facts is not None
        found = sketch_of(facts)
        assert found is not None
        return found

    named = name_clusters([Sketch((pr, 0), "CLEAN", sketch(pr)) for pr in (0, 4, 200)])
    assert named == {(0, 0): "0/0", (4, 0): "0/0", (200, 0): "200/0"}
    apart = name_clusters([Sketch((1, 0), "CLEAN", sketch(0)), Sketch((2, 0), "ILLEGAL ttt", sketch(0))])
    assert apart == {(1, 0): "1/0", (2, 0): "2/0"}, "one ruling cannot serve two verdicts"
