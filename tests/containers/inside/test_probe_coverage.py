"""What a run executed: counted from its events, and line by line where the interpreter tells."""

from __future__ import annotations

import subprocess
import sys

import pytest

from containers.inside.probe.coverage import CHUNK, coverage, ranges
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


@pytest.mark.skipif(not hasattr(sys, "monitoring"), reason="needs Python 3.12")
def test_a_line_that_did_not_run_is_not_among_those_that_did(tmp_path) -> None:
    script = tmp_path / "train_gpt.py"
    script.write_text("def f(x):\n    if x:\n        return 1\n    return 2\n\nf(0)\n")
    code = (
        "from containers.inside.probe import coverage; coverage.start();"
        f"exec(compile(open({str(script)!r}).read(), {str(script)!r}, 'exec'));"
        f"print(coverage.lines({str(tmp_path)!r}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "{'train_gpt.py': ['1-2,4,6']}"
