"""Scores that a script prints are read under the names that scripts give them."""

from __future__ import annotations

import pytest

from containers.inside.smoke import evaluations


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("step:3/3 val_loss:4.1000 val_bpb:2.5000", 2.5),
        ("[EVAL RESULT] BPB: 6.1292 | tokens=2535", 6.1292),
        ("final official_bpb = 1.35", 1.35),
        ("BEST_BPB: 1.0800", None),
        ("no score", None),
    ],
)
def test_a_printed_score_is_read_whatever_its_case(
    text: str, score: float | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(evaluations, "PRINTED", {})
    evaluations.printing(text)
    assert evaluations.PRINTED.get("val_bpb") == score
    assert capsys.readouterr().out == text + "\n"


def test_an_evaluation_may_return_an_array_of_many_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A helper that scores windows returns an array of their means (#62); the loss beside it is told."""
    np = pytest.importorskip("numpy")
    monkeypatch.setattr(evaluations, "SEEN", [])
    told: list[list[float]] = []
    monkeypatch.setattr(evaluations, "DONE", [told.append])
    evaluations.watched(lambda: (np.zeros(3), np.float64(2.5), np.array([1.25])))()
    assert told == [[2.5, 1.25]]
