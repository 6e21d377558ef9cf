"""The probe on an MLX script of ours in a real box: the image has MLX where this machine may have none."""

from __future__ import annotations

import pytest

from audits.launch import launch_plan
from containers.engine import run
from containers.probe import probe
from containers.probe_result import ProbeVerdict
from tests.audits.builders import make_submission
from tests.containers.inside import probe_mlx_scripts as scripts

pytestmark = [pytest.mark.timeout(1200), pytest.mark.xdist_group("probe-twins")]


def test_an_honest_mlx_script_is_clean_with_power(docker_engine, image) -> None:
    plan = launch_plan(make_submission({"train_gpt.py": scripts.script()}))
    result = probe(plan, lambda request: run(docker_engine, request), image)
    (headline,) = (phase for phase in result.phases if phase.headline)
    (suffix,) = (end for end in headline.tests if end.test == "suffix")
    ends = {str(end.test): end.call for end in (*headline.tests, *result.whole)}
    assert result.verdict is ProbeVerdict.CLEAN, result.reason
    assert suffix.power["planted_caught"] > 100
    assert {ends[name] for name in ("normalisation", "score-once", "artifact", "reload")} == {"CLEAN"}
