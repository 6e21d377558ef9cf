"""Which folder answers for a label."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.score.answers import NOT_AUDITED, Answers
from harness.score.labels import Axes, CommunityLabel, GoldLabel
from tests.harness.score.stores import Folder, calls, head_of, make_run

if TYPE_CHECKING:
    from pathlib import Path

OTHER_TRACK = "track_non_record_16mb"


@pytest.fixture
def answers(tmp_path: Path) -> Answers:
    folders = [
        Folder(2, "one", calls("ILLEGAL")),
        Folder(2, "two", calls("CLEAN", patterns=["slot-scored"])),
        Folder(4, "same", calls("ILLEGAL")),
        Folder(4, "same", calls("CLEAN"), track=OTHER_TRACK),
        Folder(6, "", calls("FLAG"), track=None, script="train_gpt_mlx.py"),
        Folder(8, "big", crashed="ran out of memory"),
        Folder(12, "outer", calls("FLAG")),
    ]
    return Answers(make_run(tmp_path / "run", folders, asked=[10]), "practice")


def gold(pr: int, folder: str, *, file: str = "train_gpt.py", track: str | None = None) -> GoldLabel:
    return GoldLabel(pr, folder, Axes("CLEAN"), 0.9, track=track, file=file)


@pytest.mark.parametrize(
    ("label", "call"),
    [
        (gold(2, "one"), "ILLEGAL"),
        (gold(2, "two"), "CLEAN"),
        (gold(2, "records/track_10min_16mb/two"), "CLEAN"),
        (gold(4, "same", track="track_10min_16mb"), "ILLEGAL"),
        (gold(4, "same", track=OTHER_TRACK), "CLEAN"),
        (gold(6, "", file="train_gpt_mlx.py (remark)"), "FLAG"),
        (gold(12, "outer/inner"), "FLAG"),
    ],
)
def test_the_labelled_folder_answers(answers: Answers, label: GoldLabel, call: str) -> None:
    answer = answers.to_gold(label)
    assert answer.call("legality") == call
    assert len(answer.judged) == 1


@pytest.mark.parametrize(
    ("label", "why"),
    [
        (gold(2, "three"), "no folder 'three'"),
        (gold(2, ""), "no folder"),
        (gold(8, "big"), "crashed: ran out of memory"),
        (gold(10, "none"), "no folder"),
        (gold(99, "none"), "was not swept"),
    ],
)
def test_nothing_else_answers_for_a_folder_that_is_not_there(
    answers: Answers, label: GoldLabel, why: str
) -> None:
    answer = answers.to_gold(label)
    assert answer.call("legality") == NOT_AUDITED
    assert why in answer.missing
    assert answer.patterns == frozenset()


def said(pr: int, **more: str | None) -> CommunityLabel:
    return CommunityLabel(pr, "someone", "CLEAN", **more)  # type: ignore[arg-type]


def test_a_statement_about_a_file_is_about_its_folder(answers: Answers) -> None:
    for file in ("records/track_10min_16mb/two/train_gpt.py", "two/train_gpt.py"):
        assert answers.to_community(said(2, file=file)).call("legality") == "CLEAN"


def test_a_statement_about_a_folder_that_was_left_out(answers: Answers) -> None:
    """#794, #1216: nothing else is put in its place, unless the folder may have had another name then."""
    file = "records/track_10min_16mb/three/train_gpt.py"
    answer = answers.to_community(said(2, file=file, head_sha=head_of(2)))
    assert answer.call("legality") == "NOT_AUDITED"
    assert "was left out" in answer.missing
    moved = answers.to_community(said(2, file=file, head_sha="1234567"))
    assert moved.call("legality") == "ILLEGAL"


def test_a_statement_about_a_pull_request_is_about_its_worst_folder(answers: Answers) -> None:
    for file in (None, "train_gpt.py"):
        answer = answers.to_community(said(2, file=file))
        assert answer.call("legality") == "ILLEGAL"
        assert answer.patterns == {"slot-scored"}


def test_an_abbreviated_head_is_the_same_head(answers: Answers) -> None:
    assert not answers.to_community(said(2, head_sha=head_of(2)[:7].upper())).moved
    assert answers.to_community(said(2, head_sha="1234567")).moved
    assert not answers.to_community(said(2, head_sha=None)).moved
