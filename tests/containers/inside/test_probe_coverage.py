"""What a run executed: counted from its events, and line by line where the interpreter tells."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from containers.inside.probe import blocks
from containers.inside.probe.blocks import CHUNK, ranges
from containers.inside.probe.coverage import coverage
from containers.inside.probe.trace import Event, Kind, Trace


def test_evaluations_and_steps_are_counted_and_steps_in_an_evaluation_are_told_apart() -> None:
    events = (
        Event(Kind.UPDATE),
        Event(Kind.BEGIN, phase=0, text="eval_val"),
        Event(Kind.UPDATE, phase=0),
        Event(Kind.END, phase=0),
        Event(Kind.SAVE, text="model.ptz"),
        Event(Kind.LOAD, text="model.ptz"),
        Event(Kind.ASSIGN),
        Event(Kind.BEGIN, phase=1, text="eval_val"),
    )
    found = coverage(Trace(events))
    assert found.evaluations == ("eval_val x2",)
    assert (found.updates, found.updates_in_evaluation) == (2, 1)
    assert (found.saved, found.read_back, found.reloads) == (1, 1, 1)


def test_lines_become_ranges() -> None:
    assert ranges([1, 2, 3, 7, 9, 10]) == ["1-3,7,9-10"]
    assert ranges([]) == []


def test_many_ranges_are_cut_into_texts_that_leave_the_box_whole() -> None:
    made = ranges(list(range(1, 9000, 2)))
    assert len(made) > 1
    assert max(map(len, made)) <= CHUNK
    assert ",".join(made).split(",") == [str(number) for number in range(1, 9000, 2)]


SCRIPT = """\
'''A docstring.'''
from __future__ import annotations


def f(x):
    if x:
        return 1
    for _ in range(0):
        raise ValueError
    return 2


class C:
    def never(self):
        return 3


f(0)
"""


def test_a_line_that_did_not_run_is_not_among_those_that_did(tmp_path: Path) -> None:
    tree = blocks.mark(ast.parse(SCRIPT), str(tmp_path / "train_gpt.py"))
    exec(compile(tree, "train_gpt.py", "exec"), {blocks.RAN: blocks.ran})
    found = blocks.lines(str(tmp_path))["train_gpt.py"]
    assert found == ["1-2,5-6,8,10,13,18"]


def test_a_mark_moves_no_line() -> None:
    tree = blocks.mark(ast.parse("def f():\n    x = 1\n\n    return x / 0\nf()\n"), "moved.py")
    with pytest.raises(ZeroDivisionError) as caught:
        exec(compile(tree, "moved.py", "exec"), {blocks.RAN: blocks.ran})
    assert [entry.lineno for entry in caught.traceback[-2:]] == [4, 3]


CAUGHT = """\
def step(x):
    return 1 / x
try:
    y = 1
    for x in (1, 0):
        y += step(x)
        y = -y
    y = 5
except ZeroDivisionError:
    y = 6
"""


def test_what_a_caught_exception_left_out_did_not_run(tmp_path: Path) -> None:
    tree = blocks.mark(ast.parse(CAUGHT), str(tmp_path / "caught.py"))
    exec(compile(tree, "caught.py", "exec"), {blocks.RAN: blocks.ran})
    assert blocks.lines(str(tmp_path))["caught.py"] == ["1-7,10"]
