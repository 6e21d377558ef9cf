"""A smoke run of a trainer that carries an attack is called what it deserves."""

from __future__ import annotations

import pytest

from audits.launch import launch_plan
from containers.engine import run
from containers.smoke import smoke
from containers.smoke_job import SmokeOptions
from tests.audits.builders import make_submission
from tests.containers.hostile.attack import limits
from tests.containers.hostile.outside import Outside
from tests.containers.hostile.test_attacks import ATTACKS
from tests.containers.hostile.trainer import trainer

LABELLED = [attack for attack in ATTACKS if attack.labels]
OPTIONS = SmokeOptions(
    limits(wall_seconds=170, memory_bytes=2 << 30, pids=128, scratch_bytes=256 << 20, output_bytes=100_000),
    import_seconds=30,
    build_seconds=30,
    run_seconds=30,
)


@pytest.fixture
def outside(tmp_path):
    host = Outside(tmp_path)
    yield host
    host.close()


def smoked(engine, image, code):
    plan = launch_plan(make_submission({"train_gpt.py": trainer(code)}))
    return smoke(plan, lambda asked: run(engine, asked), image, OPTIONS)


def test_the_trainer_alone_passes(docker_engine, image):
    result = smoked(docker_engine, image, "pass")
    assert result.label == "PASS", (result.reason, result.error, result.output_tail)


@pytest.mark.parametrize("attack", LABELLED, ids=lambda attack: attack.name)
def test_attack_gets_its_label(docker_engine, image, outside, attack):
    code = attack.code.replace("{canary}", str(outside.canary)).replace("{port}", str(outside.port))
    result = smoked(docker_engine, image, code)
    assert result.label in attack.labels, (result.reason, result.error, result.output_tail)
    assert "BROKE" not in result.output_tail
    assert outside.changes() == []
