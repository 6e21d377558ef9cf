"""Every task ends in one answer, whatever it does; and both executors give the same ones."""

from __future__ import annotations

import operator
import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from audits.errors import UserError
from harness.sweep.executor import WORKER_DIED, Limits, Task, open_executor
from harness.sweep.export import export
from harness.sweep.reader import Reader
from tests.harness.sweep.mirrors import make_mirror, run

if TYPE_CHECKING:
    from pathlib import Path

    from harness.sweep.executor import Done

NO_MESSAGE = "TypeError: UserError.__init__() missing 1 required positional argument: 'message'"
LIMITS = Limits(seconds=4.0, memory_megabytes=300)
HOSTILE = [
    Task("hangs", time.sleep, (60,)),
    Task("hangs in native code", pow, (3, 10**9)),
    Task("fills memory", bytearray, (2_000_000_000,)),
    Task("ends the worker", os._exit, (3,)),
    Task("kills the worker", signal.raise_signal, (signal.SIGKILL,)),
    Task("raises", operator.truediv, (1, 0)),
    Task("cannot be undone", UserError, ()),
    Task("answers", operator.add, (40, 2)),
]


def answers(name: str, tasks: list[Task], limits: Limits = LIMITS) -> dict[str, Done]:
    executor = open_executor(name, 2, limits)
    try:
        return {done.key: done for done in executor.run(tasks)}
    finally:
        executor.close()


def test_hostile_tasks_end_with_their_cause() -> None:
    started = time.monotonic()
    done = answers("local", HOSTILE)
    assert time.monotonic() - started < 60
    assert {key: item.cause for key, item in done.items()} == {
        "hangs": "timed out after 4 s",
        "hangs in native code": "timed out after 4 s",
        "fills memory": "ran out of memory",
        "ends the worker": WORKER_DIED,
        "kills the worker": WORKER_DIED,
        "raises": "ZeroDivisionError: division by zero",
        "cannot be undone": NO_MESSAGE,
        "answers": "",
    }
    assert done["answers"].result == 42
    assert done["hangs"].result is None


def test_a_worker_goes_on_after_running_out_of_memory() -> None:
    tasks = [Task(number, bytearray, (2_000_000_000 if number % 2 else 10,)) for number in range(6)]
    done = answers("local", tasks)
    assert [done[number].cause for number in range(6)] == ["", "ran out of memory"] * 3


HELD: list[bytearray] = []


def hold(megabytes: int) -> int:
    """Take memory that the worker keeps, and tell which worker that was."""
    HELD.append(bytearray(megabytes * 1024 * 1024))
    return os.getpid()


@pytest.mark.parametrize("name", ["local", "ray"])
def test_a_task_that_does_not_fit_beside_what_came_before_gets_a_worker_of_its_own(name: str) -> None:
    if name == "ray":
        pytest.importorskip("ray", reason="needs the extra `ray`")
    tasks = [Task(number, hold, (350,)) for number in range(6)]
    done = answers(name, tasks, Limits(seconds=20.0, memory_megabytes=600))
    assert {item.cause for item in done.values()} == {""}
    assert len({item.result for item in done.values()}) == 6


def test_no_worker_outlives_its_executor() -> None:
    executor = open_executor("local", 2, LIMITS)
    pids = {done.result for done in executor.run([Task(number, os.getpid, ()) for number in range(8)])}
    executor.close()
    assert os.getpid() not in pids
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_an_unknown_executor_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(UserError, match="no executor"):
        open_executor("cloud", 1, LIMITS)


@pytest.fixture(scope="module")
def ray_cluster() -> None:
    pytest.importorskip("ray", reason="needs the extra `ray`")


@pytest.mark.usefixtures("ray_cluster")
def test_ray_gives_the_same_export_byte_for_byte(tmp_path: Path) -> None:
    mirror = make_mirror(tmp_path / "bare.git")
    texts = {}
    for name in ("local", "ray"):
        out = tmp_path / name
        run(mirror, out, executor=name)
        reader = Reader.open(out)
        export(reader, out / "sweep.jsonl", "jsonl")
        reader.close()
        texts[name] = (out / "sweep.jsonl").read_bytes()
    assert texts["ray"].count(b"\n") == 6
    assert texts["ray"] == texts["local"]


@pytest.mark.usefixtures("ray_cluster")
def test_ray_ends_hostile_tasks_with_the_same_causes() -> None:
    hostile = [task for task in HOSTILE if not str(task.key).startswith("hangs")]
    by_ray, local = answers("ray", hostile), answers("local", hostile)
    assert {key: item.cause for key, item in by_ray.items()} == {
        key: item.cause for key, item in local.items()
    }
    assert by_ray["answers"].result == 42


@pytest.mark.usefixtures("ray_cluster")
def test_ray_ends_a_task_that_overstays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.sweep.ray_executor._START_SECONDS", 8.0)
    done = answers("ray", [Task("hangs", time.sleep, (600,)), Task("slow", time.sleep, (6,))])
    assert {item.cause for item in done.values()} == {"timed out after 4 s"}
