"""Every attack ends as it deserves, leaves nothing behind, and works once its defence is gone."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from containers.engine import run
from tests.containers.boxes import request as boxed
from tests.containers.hostile import network, resources, rights, verdict
from tests.containers.hostile.attack import broke
from tests.containers.hostile.outside import Outside, container_is_gone, processes_of
from tests.containers.hostile.weakened import WeakenedDocker

ROOT = Path(__file__).resolve().parents[3]
ATTACKS = (*network.ATTACKS, *resources.ATTACKS, *rights.ATTACKS, *verdict.ATTACKS)
CONTROLLED = [attack for attack in ATTACKS if attack.weakened is not None]


@pytest.fixture
def outside(tmp_path):
    host = Outside(tmp_path)
    yield host
    host.close()


def strike(engine, image, attack, outside, limits=None):
    """Run an attack and return the result with the box it ran in."""
    code = textwrap.dedent(attack.code)
    code = code.replace("{canary}", str(outside.canary)).replace("{port}", str(outside.port))
    made = []
    box = engine.box

    def watched(request):
        made.append(box(request))
        return made[-1]

    engine.box = watched
    try:
        result = run(engine, boxed(image, code, limits or attack.limits))
    finally:
        del engine.box
    return result, made[0]


def gone(container, seconds=10):
    """Whether no process of a container is left, the kernel given a moment to bury them."""
    deadline = time.monotonic() + seconds
    while processes_of(container) and time.monotonic() < deadline:
        time.sleep(0.1)
    return not processes_of(container)


def test_the_set_is_large_and_its_names_differ():
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS) >= 40
    assert len(CONTROLLED) >= 25


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_attack_ends_as_it_deserves(docker_engine, image, outside, attack):
    result, box = strike(docker_engine, image, attack, outside)
    assert result.failure is None
    assert broke(result) == []
    assert (result.ending, result.signal) == (attack.ending, attack.signal), result.output[-2000:].decode()
    assert attack.seen(result), (result.observed, result.output[-2000:].decode())
    assert container_is_gone(docker_engine.client, box.container)
    assert gone(box.container)
    assert outside.changes() == []


@pytest.mark.parametrize("attack", CONTROLLED, ids=lambda attack: attack.name)
def test_attack_works_without_its_defence(docker_engine, image, outside, attack):
    weakening = attack.weakened
    engine = WeakenedDocker(weakening, str(outside.canary))
    result, box = strike(engine, image, attack, outside, weakening.limits)
    assert gone(box.container)
    if weakening.needs and not broke(result):
        pytest.skip(f"needs {weakening.needs}: {result.output[-200:].decode()}")
    assert broke(result), (result, result.output[-2000:].decode())


def test_a_daemon_would_be_found(docker_engine, image, outside):
    """The check for processes left behind sees them where the box is not removed."""
    asked = boxed(image, textwrap.dedent(verdict.DAEMON.code))
    box = docker_engine.box(asked)
    box.start()
    try:
        for _ in box.execute():
            pass
        time.sleep(0.5)
        assert len(processes_of(box.container)) >= 2
    finally:
        box.remove()
    assert gone(box.container)


_HOST = """
import sys, time
from containers.engine import find_engine
from tests.containers.boxes import request
box = find_engine("docker").box(request(sys.argv[1], "import time; time.sleep(600)"))
box.start()
box.execute()
print(box.container, flush=True)
time.sleep(600)
"""


def test_a_host_that_dies_leaves_no_box(docker_engine, image):
    """The supervisor sees its input end, and the daemon cleans up after it."""
    command = [sys.executable, "-c", _HOST, image]
    host = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    container = host.stdout.readline().strip()
    deadline = time.monotonic() + 20
    while len(processes_of(container)) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert len(processes_of(container)) >= 2
    host.kill()
    host.communicate()
    assert gone(container, seconds=30)
    deadline = time.monotonic() + 30
    while not container_is_gone(docker_engine.client, container) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert container_is_gone(docker_engine.client, container)
