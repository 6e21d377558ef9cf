"""Agreement with what people said in public, counted by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.score.answers import Answers
from harness.score.community import CommunityScore, score_community
from harness.score.labels import Axes, CommunityLabel, GoldLabel
from harness.score.reviewer import compare_reviewer
from tests.harness.score.stores import Folder, calls, make_run

if TYPE_CHECKING:
    from pathlib import Path

MAINTAINER, REVIEWER = "valerio-oai", "MatoTeziTanka"


def said(pr: int, source: str, verdict: str, *tags: str) -> CommunityLabel:
    return CommunityLabel(pr, source, verdict, tags)  # type: ignore[arg-type]


def scored(tmp_path: Path, folders: list[Folder], labels: list[CommunityLabel]) -> CommunityScore:
    store = make_run(tmp_path / "run", folders)
    return score_community(store, Answers(store, "practice"), labels)


def test_a_closing_is_met_on_the_axis_concerned(tmp_path: Path) -> None:
    folders = [
        Folder(2, "f", calls("ILLEGAL")),
        Folder(4, "f", calls("FLAG")),
        Folder(6, "f", calls("CLEAN", metric="VIOLATION")),
        Folder(8, "f", calls("ILLEGAL", metric="CLEAN")),
        Folder(10, "f", calls("UNCLEAR")),
    ]
    labels = [
        said(2, MAINTAINER, "CLOSED_ILLEGAL", "train-on-val"),
        said(4, MAINTAINER, "ILLEGAL", "ngram-target-in-key"),
        said(6, MAINTAINER, "CLOSED_ILLEGAL", "tokenizer-bytes-bug"),
        said(8, MAINTAINER, "CLOSED_ILLEGAL", "tokenizer-bytes-bug"),
        said(10, MAINTAINER, "CLOSED_ILLEGAL", "two-pass-rescore"),
        said(12, MAINTAINER, "CLOSED_ILLEGAL", "train-on-val"),
        said(2, "somebody", "CLOSED_ILLEGAL", "train-on-val"),
    ]
    found = scored(tmp_path, folders, labels)
    assert (found.closed_by_maintainers.hits, found.closed_by_maintainers.total) == (3, 6)
    assert (found.closed_by_anyone.hits, found.closed_by_anyone.total) == (4, 7)
    assert [(item.pr, item.call) for item in found.disagreements] == [
        (8, "CLEAN"),
        (10, "UNCLEAR"),
        (12, "NOT_AUDITED"),
    ]


def test_a_tag_without_an_axis_is_held_against_the_worst_and_said(tmp_path: Path) -> None:
    folders = [Folder(2, "f", calls(limits="VIOLATION")), Folder(4, "f", calls())]
    labels = [said(2, MAINTAINER, "FLAG", "odd-thing"), said(4, MAINTAINER, "FLAG")]
    found = scored(tmp_path, folders, labels)
    assert found.guessed == 2
    (flags,) = found.sources
    assert flags.agreement is not None
    assert flags.agreement.hits == 1
    (unmet,) = found.disagreements
    assert unmet.guessed
    assert unmet.axes == ("legality", "metric", "limits")


def test_withdrawn_and_formal_statements_are_shown_and_not_scored(tmp_path: Path) -> None:
    folders = [Folder(2, "f", calls("ILLEGAL"))]
    labels = [said(2, REVIEWER, verdict) for verdict in ("RETRACTED", "NEEDS_AUTHOR_ACTION")]
    found = scored(tmp_path, folders, labels)
    assert [(s.verdict, s.rows, s.agreement) for s in found.sources] == [
        ("RETRACTED", 1, None),
        ("NEEDS_AUTHOR_ACTION", 1, None),
    ]
    assert found.disagreements == ()


def test_clean_is_only_met_by_clean_legality(tmp_path: Path) -> None:
    folders = [
        Folder(2, "f", calls("CLEAN", metric="VIOLATION")),
        Folder(4, "f", calls("UNCLEAR")),
        Folder(6, "f", calls("FLAG")),
    ]
    labels = [said(pr, REVIEWER, "CLEAN", "pure-neural") for pr in (2, 4, 6)]
    (score,) = scored(tmp_path, folders, labels).sources
    assert score.agreement is not None
    assert score.agreement.hits == 1
    assert score.calls == {"FLAG": 1, "UNCLEAR": 1, "CLEAN": 1}


def test_the_reviewer_beside_us(tmp_path: Path) -> None:
    """Five rows: he errs on three, we on one, and on one more if FLAG is not an alarm."""
    rows = [  # pr, gold, his verdict, our call
        (2, "CLEAN", "CLEAN", "CLEAN"),
        (4, "ILLEGAL", "CLEAN", "ILLEGAL"),
        (6, "ILLEGAL", "HOLD", "FLAG"),
        (8, "CLEAN", "FLAG", "CLEAN"),
        (10, "FLAG", "CLEAN", "CLEAN"),
    ]
    folders = [Folder(pr, "f", calls(ours)) for pr, _, _, ours in rows]
    gold = [GoldLabel(pr, "f", Axes(wanted), 0.9) for pr, wanted, _, _ in rows]  # type: ignore[arg-type]
    gold += [GoldLabel(12, "f", Axes("CLEAN"), 0.9), GoldLabel(14, "f", Axes("UNCLEAR"), 0.9)]
    spoken = [said(pr, REVIEWER, his) for pr, _, his, _ in rows]
    gold.append(GoldLabel(16, "f", Axes("CLEAN"), 0.5))
    spoken += [
        said(14, REVIEWER, "CLEAN"),
        said(16, REVIEWER, "CLEAN"),
        said(12, REVIEWER, "RETRACTED"),
        said(12, MAINTAINER, "CLEAN"),
    ]
    found = compare_reviewer(Answers(make_run(tmp_path / "run", folders), "practice"), gold, spoken)
    assert found is not None
    assert found.rows == 5
    his, alike, ours = found.judges
    assert [judge.agreement.hits for judge in (his, alike, ours)] == [2, 4, 3]
    assert [judge.false_alarms.hits for judge in (his, alike, ours)] == [1, 0, 0]
    assert [judge.recall.hits for judge in (his, alike, ours)] == [1, 2, 1]
    assert [row.pr for row in found.errors] == [4, 6, 8, 10]


def test_without_shared_rows_there_is_no_table(tmp_path: Path) -> None:
    answers = Answers(make_run(tmp_path / "run", [Folder(2, "f", calls())]), "practice")
    assert compare_reviewer(answers, [GoldLabel(2, "f", Axes("CLEAN"), 0.9)], []) is None
