"""What is kept of output that is longer than what is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.challenges import load_challenge
from harness.replay import recording
from harness.replay.recording import Recording
from harness.replay.statements import Dialect

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_of_very_many_statements_the_first_and_the_last_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "STATED_BYTES", 2000)
    monkeypatch.setattr(recording, "STATED_LAST", 5)
    kept = Recording(tmp_path, Dialect(load_challenge("parameter_golf")), 1 << 20)
    for step in range(1, 501):
        list(kept.output(step / 10, f"step:{step}/500 train_loss:5.0 train_time:{step}ms\n".encode()))
    list(kept.output(60.0, b"final val_loss:4.00000000 val_bpb:2.12345678\n"))
    list(kept.close(61.0))
    lines = (tmp_path / "stated.log").read_text().splitlines()
    assert lines[0].startswith("step:1/500")
    assert lines[-1].startswith("final val_loss")
    assert lines[-2].startswith("step:500/500")
    assert [line for line in lines if "left out" in line] == [
        f"[referee: {501 - len(lines) + 1} lines are left out here]"
    ]
