"""Goals are met, missed, or not measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.score.goals import Goal
from harness.score.labels import Axes, CommunityLabel, GoldLabel, GoldPattern, LabelFile
from harness.score.report import score
from tests.harness.score.stores import Folder, calls, make_run

if TYPE_CHECKING:
    from pathlib import Path


def goals(
    tmp_path: Path, rows: list[tuple[str, str]], *, names: tuple[str, ...] = (), seen: tuple[str, ...] = ()
) -> dict[str, Goal]:
    """Return the goals by the last words of their names; `rows` are label and call."""
    folders = [Folder(pr, "f", calls(call, patterns=seen)) for pr, (_, call) in enumerate(rows, 1)]
    patterns = tuple(GoldPattern(name) for name in names)
    labels = tuple(
        GoldLabel(pr, "f", Axes(wanted), 0.9, patterns=patterns)  # type: ignore[arg-type]
        for pr, (wanted, _) in enumerate(rows, 1)
    )
    said = (CommunityLabel(1, "0hq", "CLOSED_ILLEGAL", ("train-on-val",)),)
    report = score(make_run(tmp_path / "run", folders), [LabelFile("gold", "0", labels, said)])
    return {goal.name.rsplit(": ", 1)[-1].split(",")[0]: goal for goal in report.goals}


def test_all_met(tmp_path: Path) -> None:
    rows = [("ILLEGAL", "ILLEGAL"), *[("CLEAN", "CLEAN")] * 4]
    found = goals(tmp_path, rows, names=("pure-neural",), seen=("pure-neural",))
    assert len(found) == 6
    assert {goal.met for goal in found.values()} == {True}


def test_each_missed(tmp_path: Path) -> None:
    rows = [("ILLEGAL", "UNCLEAR"), ("CLEAN", "ILLEGAL"), *[("CLEAN", "CLEAN")] * 3]
    found = goals(tmp_path, rows, names=("pure-neural",))
    assert len(found) == 6
    assert {goal.met for goal in found.values()} == {False}
    assert found["F1 of 0.9 or more"].reached == "0; short: pure-neural 0.00"


def test_a_flag_is_seen_but_not_outright(tmp_path: Path) -> None:
    found = goals(tmp_path, [("ILLEGAL", "FLAG")])
    assert found["ILLEGAL called ILLEGAL or FLAG"].met
    assert found["ILLEGAL called ILLEGAL outright"].met is False


def test_nothing_to_measure_is_neither_met_nor_missed(tmp_path: Path) -> None:
    found = goals(tmp_path, [("ILLEGAL", "ILLEGAL")], names=("pure-neural",))
    assert found["CLEAN called ILLEGAL"].met is None
    assert "F1 of 0.9 or more" not in found, "one case is too few"
