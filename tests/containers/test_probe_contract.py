"""What the code in the box says is what the host reads: names, fields and numbers, line by line."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import pytest

pytest.importorskip("numpy")

from containers import probe_report
from containers.inside.probe import finding
from containers.inside.probe.coverage import Coverage
from containers.probe_job import ProbeOptions, request_of
from containers.probe_report import read_probe
from containers.probe_result import Call, ProbeCoverage, ProbePhase, ProbeTest, TestName
from tests.containers.smoke_boxes import PARENT, make_plan

END = finding.TestEnd(
    finding.Test.SUFFIX,
    finding.Call.LEAK,
    "3 of 9",
    "C1",
    "window",
    4,
    3,
    9,
    0.5,
    "train_gpt.py:7",
    {"planted_caught": 2.0, "later_changed": 0.9},
    {"noise_nats": 0.0},
)


def sent(event: str, document: dict[str, object]) -> dict[str, object]:
    """Return a line as it arrives: through JSON, with the sender that the supervisor adds."""
    return {**json.loads(json.dumps({"event": event, **document})), "sender": PARENT}


def test_tests_ends_and_events_have_the_same_names() -> None:
    assert [name.value for name in TestName] == [name.value for name in finding.Test]
    assert [call.value for call in Call] == [call.value for call in finding.Call]
    inside = {value for name, value in vars(finding).items() if name.startswith("EVENT_")}
    assert inside <= probe_report.OURS


def test_every_field_of_a_test_arrives_as_it_was_sent() -> None:
    (read,) = read_probe([sent(finding.EVENT_WHOLE, END.document())]).whole
    for field in fields(finding.TestEnd):
        assert getattr(read, field.name) == getattr(END, field.name), field.name
    assert {field.name for field in fields(ProbeTest)} - {"dispute"} == {
        field.name for field in fields(finding.TestEnd)
    }


def test_every_field_of_a_phase_arrives_as_it_was_sent() -> None:
    phase = finding.PhaseEnd(2, "eval_val", "train_gpt.py:3", 1.25, 0.5, True, 99, (END,))
    (read,) = read_probe([sent(finding.EVENT_PHASE, phase.document())]).phases
    for field in fields(ProbePhase):
        if field.name != "tests":
            assert getattr(read, field.name) == getattr(phase, field.name), field.name
    assert read.tests[0].reason == END.reason


def test_coverage_arrives_as_it_was_sent() -> None:
    told = Coverage(("eval_val x2",), 6, 4, 1, 2, 3)
    read = read_probe([sent(finding.EVENT_COVERAGE, told.document())]).coverage
    for field in fields(Coverage):
        assert getattr(read, field.name) == getattr(told, field.name), field.name
    assert {field.name for field in fields(Coverage)} <= {field.name for field in fields(ProbeCoverage)}


def test_the_job_is_one_that_the_code_in_the_box_reads(tmp_path: Path) -> None:
    from containers.inside.job import read_job

    path = tmp_path / "job.json"
    path.write_bytes(request_of(make_plan(), "image", ProbeOptions()).job)
    job = read_job(str(path))
    assert (job.script, job.virtual_clock) == ("train_gpt.py", True)
    assert 0 < job.seconds("probe", 0.0) < ProbeOptions().limits.wall_seconds
