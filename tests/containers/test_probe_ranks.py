"""Two ranks in a real box, which has a loopback and no other network: a leak between slices is caught."""

from __future__ import annotations

import pytest

from audits.launch import launch_plan
from containers.engine import run
from containers.probe import probe
from containers.probe_result import Call, ProbeVerdict, TestName
from tests.audits.builders import make_submission
from tests.containers.inside import probe_scripts as scripts

pytestmark = [pytest.mark.timeout(900), pytest.mark.xdist_group("probe-twins")]


@pytest.mark.parametrize(
    ("evaluation", "verdict", "call"),
    [
        (scripts.SLICED.replace("SHARES", "True"), ProbeVerdict.LEAK, Call.LEAK),
        (scripts.CHUNKED, ProbeVerdict.CLEAN, Call.CLEAN),
    ],
    ids=["shared over slices", "shared over chunks"],
)
def test_what_ranks_share_is_seen_in_a_box(docker_engine, image, evaluation, verdict, call) -> None:
    submission = make_submission({"train_gpt.py": scripts.ranked(evaluation)})
    result = probe(launch_plan(submission), lambda request: run(docker_engine, request), image)
    end = next(test for test in result.whole if test.test is TestName.RANK_SLICES)
    assert (result.verdict, end.call) == (verdict, call), (result.reason, end.reason)
    assert result.conditions == (("C3",) if verdict is ProbeVerdict.LEAK else ())
    assert not result.tampering
