"""Every pinned verdict is still the verdict, or the change is reviewed: `make pin` rewrites the file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.audits.corpus.pins import Pin, differences, head_moved, read_pins, sweep_pins, write_pins

PINNED = read_pins()
PIN = Pin(8, "a" * 40, "f", "CLEAN", "CLEAN", "CLEAN", "CLEAN", ("pure-neural",))


@pytest.fixture(scope="module")
def found(mirror: str, tmp_path_factory: pytest.TempPathFactory) -> dict[int, list[Pin]]:
    return sweep_pins(mirror, PINNED, tmp_path_factory.mktemp("pins"))


# One worker sweeps for all: the fixture costs a minute.
@pytest.mark.xdist_group("pins")
@pytest.mark.parametrize("number", sorted(PINNED) or [0])
def test_verdicts_are_those_that_were_pinned(found: dict[int, list[Pin]], number: int) -> None:
    if number not in PINNED:
        pytest.skip("nothing is pinned yet: make pin MIRROR=DIR LABELS=FILE")
    if number not in found:
        pytest.skip(f"the mirror lacks pull request {number}")
    if head_moved(PINNED[number], found[number]):
        pytest.skip(f"#{number} has another head than the one that was pinned")
    lines = differences(PINNED[number], found[number])
    if lines:
        pytest.fail("\n".join([*lines, "meant? make pin MIRROR=DIR, and commit the diff"]), pytrace=False)


def test_a_difference_is_a_readable_line() -> None:
    other = replace(PIN, legality="ILLEGAL", overall="ILLEGAL", patterns=("slot-scored",))
    assert differences([PIN], [PIN]) == []
    assert differences([PIN], [other]) == [
        "#8 f: legality CLEAN -> ILLEGAL",
        "#8 f: overall CLEAN -> ILLEGAL",
        "#8 f: patterns -pure-neural +slot-scored",
    ]
    assert differences([PIN], [replace(PIN, folder="g")]) == ["#8 f: no longer there", "#8 g: new"]
    assert differences([PIN, PIN], [PIN]) == ["#8 f: no longer there"]


def test_a_moved_head_is_told_from_a_changed_verdict() -> None:
    assert head_moved([PIN], [replace(PIN, head_sha="b" * 40)])
    assert not head_moved([PIN], [replace(PIN, legality="ILLEGAL")])


def test_pins_are_read_as_they_were_written(tmp_path: Path) -> None:
    pins = [replace(PIN, pr=10), PIN, replace(PIN, folder="e")]
    write_pins(pins, tmp_path / "pins.jsonl")
    assert read_pins(tmp_path / "pins.jsonl") == {
        8: [replace(PIN, folder="e"), PIN],
        10: [replace(PIN, pr=10)],
    }
    assert read_pins(tmp_path / "none.jsonl") == {}
