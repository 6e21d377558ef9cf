"""Long runs, watched while they go on: the same for every engine."""

from __future__ import annotations

import dataclasses
import time

import pytest

from containers.engine.live import LiveExit, LiveRun
from containers.request import Mount
from tests.containers.boxes import request as make_request


@pytest.fixture(scope="module", params=["docker", "podman", "bubblewrap"])
def box(request, engine_named):
    engine = engine_named(request.param)
    fixture = {"docker": "image"}.get(request.param, f"{request.param}_image")
    return engine, request.getfixturevalue(fixture)


def started(box, code, **more):
    engine, image = box
    return LiveRun(engine, dataclasses.replace(make_request(image, code), **more))


def ended(run, seconds=20.0):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = run.poll()
        if found is not None:
            return found
        time.sleep(0.05)
    raise AssertionError("it did not end")


def test_output_comes_while_it_runs(box):
    code = "import time\nprint('first', flush=True)\ntime.sleep(3)\nprint('second', flush=True)"
    run = started(box, code)
    try:
        chunks = run.chunks()
        began = time.monotonic()
        assert b"first" in next(chunks)
        assert time.monotonic() - began < 2.5
        assert run.poll() is None
        assert b"second" in b"".join(chunks)
        assert ended(run) == LiveExit(0)
    finally:
        run.kill()


def test_terminate_reaches_children_and_kill_leaves_nothing(box):
    code = """
        import os, signal, sys, time
        child = os.fork()
        def told(number, frame):
            print("told", child == 0, flush=True)
            sys.exit(7)
        signal.signal(signal.SIGTERM, told)
        print("ready", flush=True)
        time.sleep(60)
    """
    run = started(box, code)
    try:
        chunks = run.chunks()
        seen = b""
        while seen.count(b"ready") < 2:
            seen += next(chunks)
        run.terminate()
        seen += b"".join(chunks)
        assert seen.count(b"told") == 2
        assert ended(run) == LiveExit(7)
        assert run.left_behind() == ()
    finally:
        run.kill()


def test_folders_of_ours_are_given_as_asked(box, tmp_path):
    data, scratch = tmp_path / "data", tmp_path / "scratch"
    for folder in (data, scratch):
        folder.mkdir()
        folder.chmod(0o777)
    tmp_path.chmod(0o755)
    (data / "shard").write_text("tokens")
    code = """
        print(open("/scratch/data/shard").read())
        open("/scratch/model", "w").write("weights")
        try:
            open("/scratch/data/new", "w")
        except OSError:
            print("read only")
    """
    (scratch / "data").mkdir()
    mounts = (Mount(str(scratch), "/scratch", writable=True), Mount(str(data), "/scratch/data"))
    run = started(box, code, mounts=mounts)
    try:
        assert b"".join(run.chunks()).split(b"\n")[:2] == [b"tokens", b"read only"]
        assert ended(run) == LiveExit(0)
    finally:
        run.kill()
    assert (scratch / "model").read_text() == "weights"
    assert [path.name for path in data.iterdir()] == ["shard"]
