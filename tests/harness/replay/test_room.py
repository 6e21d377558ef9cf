"""Room on disk: counted as the disk counts it, and asked before the disk is."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, NamedTuple

import pytest

from harness.replay import room
from harness.replay.limits import Breach, Breached
from harness.replay.room import Room, used_bytes

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1 << 20


class Disk(NamedTuple):
    """What the system says of a disk."""

    total: int
    used: int
    free: int


def test_holes_and_links_take_no_room(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    with (tmp_path / "sub" / "sparse").open("wb") as stream:
        stream.truncate(1 << 40)
    os.symlink("/usr", tmp_path / "sub" / "link")
    (tmp_path / "full").write_bytes(bytes([1]) * MIB)
    used, entries = used_bytes(tmp_path, 100 * MIB)
    assert MIB <= used < 2 * MIB
    assert entries == 4


def test_counting_ends_at_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MAX_ENTRIES", 5)
    for number in range(20):
        (tmp_path / str(number)).touch()
    assert used_bytes(tmp_path, MIB)[1] == 6


def first_breach(folder: Path, limit_bytes: int) -> Breach | None:
    found: list[Breach] = []
    seen = threading.Event()

    def stop(breach: Breach) -> None:
        found.append(breach)
        seen.set()

    watched = Room(folder, limit_bytes, lambda: 7.0, stop)
    watched.start()
    seen.wait(3 * room.LOOK_SECONDS)
    watched.stop()
    assert len(found) <= 1
    return found[0] if found else None


def test_a_folder_within_its_room_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(bytes([1]) * 1000)
    assert first_breach(tmp_path, MIB) is None


def test_more_than_its_room_is_the_runs_own_even_where_the_disk_is_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hoard").write_bytes(bytes([1]) * 2 * MIB)
    left = iter([Disk(1 << 40, 0, 1 << 39)])
    monkeypatch.setattr(room.shutil, "disk_usage", lambda folder: next(left, Disk(1 << 40, 1 << 40, 0)))
    found = first_breach(tmp_path, MIB)
    assert found is not None
    assert (found.breached, found.seconds) == (Breached.SCRATCH, 7.0)


def test_a_disk_that_runs_short_is_the_machines_and_is_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = iter([1 << 39, 1000])
    monkeypatch.setattr(room.shutil, "disk_usage", lambda folder: Disk(1 << 40, 0, next(left, 1 << 39)))
    stopped: list[Breach] = []
    watched = Room(tmp_path, MIB, lambda: 7.0, stopped.append)
    watched.start()
    for _ in range(40):
        if stopped:
            break
        threading.Event().wait(0.1)
    watched.stop()
    assert [entry.breached for entry in stopped] == [Breached.DISK]
    assert watched.least_free_bytes == 1000
