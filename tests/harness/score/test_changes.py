"""What changed between two sweeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.score.changes import Change, compare_runs
from tests.harness.score.stores import Folder, calls, make_run

if TYPE_CHECKING:
    from pathlib import Path

PLACE = "records/track_10min_16mb"


def test_changes_by_axis_with_rules_and_patterns(tmp_path: Path) -> None:
    before = make_run(
        tmp_path / "before",
        [
            Folder(2, "f", calls("CLEAN", patterns=["pure-neural", "lora-ttt"])),
            Folder(4, "f", calls("FLAG")),
            Folder(6, "gone", calls()),
            Folder(8, "f", calls()),
        ],
    )
    after = make_run(
        tmp_path / "after",
        [
            Folder(2, "f", calls("ILLEGAL", patterns=["pure-neural", "slot-scored"]), head="b" * 40),
            Folder(4, "f", calls("FLAG")),
            Folder(6, "come", calls()),
        ],
    )
    found = compare_runs(before, after, "practice")
    rules = ("legality-rule",)
    assert found.changed == (
        Change(2, f"{PLACE}/f", "legality", "CLEAN", "ILLEGAL", rules, rules, True),
        Change(2, f"{PLACE}/f", "patterns", "lora-ttt", "slot-scored", (), (), True),
    )
    assert found.compared == 2
    assert found.new == (f"#6 {PLACE}/come",)
    assert found.vanished == (f"#6 {PLACE}/gone",)
    assert found.outside == 1, "#8 was not asked for again"


def test_the_same_run_has_no_changes(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", [Folder(2, "f", calls("ILLEGAL"))])
    found = compare_runs(run, run, "practice")
    assert (found.changed, found.new, found.vanished, found.outside) == ((), (), (), 0)
