"""Scores against gold labels, counted by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from audits.outcome import Axis
from harness.score.answers import Answers
from harness.score.cases import Kind, kind_of, meets
from harness.score.figures import f1_score, share
from harness.score.gold import GoldScore, score_gold
from harness.score.labels import Axes, GoldLabel, GoldPattern
from tests.audits.builders import evidence, make_outcome
from tests.harness.score.stores import Folder, calls, head_of, make_run

if TYPE_CHECKING:
    from pathlib import Path


def label(pr: int, legality: str, **more: object) -> GoldLabel:
    rest = {"confidence": 0.9, "round": 1, "folder": "f", **more}
    axes = Axes(legality, str(rest.pop("metric", "UNJUDGED")))  # type: ignore[arg-type]
    names = rest.pop("names", ())
    patterns = tuple(GoldPattern(name, "5-6") for name in names)  # type: ignore[attr-defined]
    return GoldLabel(pr=pr, axes=axes, patterns=patterns, **rest)  # type: ignore[arg-type]


def scored(tmp_path: Path, folders: list[Folder], labels: list[GoldLabel]) -> GoldScore:
    store = make_run(tmp_path / "run", folders)
    return score_gold(store, Answers(store, "practice"), labels, {})


PAIRS = [  # label, call: ten that are scored, five of them met, and an UNCLEAR one
    ("CLEAN", "CLEAN"),
    ("CLEAN", "CLEAN"),
    ("CLEAN", "ILLEGAL"),
    ("CLEAN", "FLAG"),
    ("CLEAN", "UNCLEAR"),
    ("ILLEGAL", "ILLEGAL"),
    ("ILLEGAL", "FLAG"),
    ("ILLEGAL", "CLEAN"),
    ("FLAG", "FLAG"),
    ("FLAG", "UNCLEAR"),
    ("UNCLEAR", "ILLEGAL"),
]


def test_every_count_of_legality(tmp_path: Path) -> None:
    folders = [Folder(pr, "f", calls(call)) for pr, (_, call) in enumerate(PAIRS, 1)]
    labels = [label(pr, wanted) for pr, (wanted, _) in enumerate(PAIRS, 1)]
    labels += [label(90, "CLEAN", confidence=0.59), label(91, "ILLEGAL")]
    score = scored(tmp_path, folders, labels).axis("legality")
    assert score is not None
    assert (score.labels, score.unsure, score.open, score.scored) == (13, 1, 1, 11)
    assert (score.agreement.hits, score.agreement.total) == (5, 11)
    assert (score.false_alarms.hits, score.false_alarms.total) == (1, 5)
    assert (score.soft_alarms.hits, score.unanswered.hits) == (1, 1)
    assert (score.recall.hits, score.recall.total) == (2, 4), "the one that was not audited is a miss"
    assert (score.outright.hits, score.missed_alarms.hits, score.not_audited) == (1, 2, 1)
    assert score.matrix["CLEAN"] == {"CLEAN": 2, "ILLEGAL": 1, "FLAG": 1, "UNCLEAR": 1}
    assert score.matrix["ILLEGAL"] == {"ILLEGAL": 1, "FLAG": 1, "CLEAN": 1, "NOT_AUDITED": 1}
    assert score.matrix["UNCLEAR"] == {"ILLEGAL": 1}
    assert sum(sum(row.values()) for row in score.matrix.values()) == score.labels - score.unsure


def test_cases_are_those_that_are_not_met_worst_first(tmp_path: Path) -> None:
    folders = [Folder(pr, "f", calls(call)) for pr, (_, call) in enumerate(PAIRS, 1)]
    labels = [label(pr, wanted) for pr, (wanted, _) in enumerate(PAIRS, 1)]
    found = scored(tmp_path, folders, labels)
    assert [(case.kind, case.pr) for case in found.cases] == [
        ("false alarm", 3),
        ("missed alarm", 8),
        ("soft alarm", 4),
        ("not outright", 7),
        ("unanswered", 5),
    ]


def test_rounds_are_apart_and_our_own_is_never_pooled(tmp_path: Path) -> None:
    folders = [Folder(pr, "f", calls("CLEAN")) for pr in (2, 4, 6)]
    labels = [label(2, "CLEAN", round=1), label(4, "ILLEGAL", round=2), label(6, "CLEAN", round=3)]
    found = scored(tmp_path, folders, labels)
    by_stratum = {s.stratum: s.agreement for s in found.axes if s.axis == "legality"}
    assert {name: (s.hits, s.total) for name, s in by_stratum.items()} == {
        "rounds 1 and 2": (1, 2),
        "round 1": (1, 1),
        "round 2": (0, 1),
        "round 3": (1, 1),
    }
    main = found.axis("legality")
    assert main is not None
    assert main.stratum == "rounds 1 and 2"


def test_metric_counts_only_what_was_judged(tmp_path: Path) -> None:
    folders = [
        Folder(2, "f", calls(metric="VIOLATION")),
        Folder(4, "f", calls(metric="NOT_APPLICABLE")),
        Folder(6, "f", calls(metric="VIOLATION")),
    ]
    labels = [
        label(2, "CLEAN", metric="VIOLATION"),
        label(4, "CLEAN", metric="CLEAN"),
        label(6, "CLEAN", metric="UNJUDGED"),
    ]
    found = scored(tmp_path, folders, labels)
    score = found.axis("metric")
    assert score is not None
    assert (score.scored, score.open, score.agreement.hits) == (2, 1, 1)
    assert [(c.pr, c.subject, c.kind) for c in found.cases] == [(4, "metric", "unanswered")]


def test_a_case_links_to_lines_and_names_unpacked_ones(tmp_path: Path) -> None:
    places = [evidence("my script.py", 10, "here", end=12), evidence("train_gpt.py", 7, "there", layer=1)]
    flagged = make_outcome("looks-bad", Axis.LEGALITY, places[0].status, "seen", *places)
    found = scored(tmp_path, [Folder(2, "f", (flagged,))], [label(2, "CLEAN", head_sha="ffff")])
    (case,) = found.cases
    (reason,) = case.reasons
    root = f"https://github.com/openai/parameter-golf/blob/{head_of(2)}/records/track_10min_16mb/f"
    plain, unpacked = reason.places
    assert (plain.label, plain.url) == ("my script.py:10-12", f"{root}/my%20script.py#L10-L12")
    assert (unpacked.label, unpacked.url) == ("train_gpt.py, unpacked line 7", f"{root}/train_gpt.py")
    assert case.moved
    assert found.moved == ("#2 f",)


def test_pattern_scores_by_hand(tmp_path: Path) -> None:
    ours = {2: ["slot-scored"], 4: ["slot-scored"], 6: [], 8: ["slot-scored", "only-we-name-this"], 10: []}
    theirs = {2: True, 4: True, 6: True, 8: False, 10: True}
    folders = [Folder(pr, "f", calls(patterns=names)) for pr, names in ours.items()]
    labels = [label(pr, "CLEAN", names=["slot-scored"] if has else []) for pr, has in theirs.items()]
    labels.append(label(12, "CLEAN", names=["slot-scored"]))
    labels.append(label(14, "CLEAN", names=["slot-scored"], confidence=0.3))
    found = scored(tmp_path, folders, labels)
    (score,) = found.patterns
    assert (score.true_positives, score.false_positives, score.false_negatives) == (2, 1, 3)
    assert (score.precision.rate, score.recall.rate) == (2 / 3, 2 / 5)
    assert score.f1 == pytest.approx(0.5)
    assert score.many
    assert not score.reached
    assert [(case.pr, case.kind) for case in found.pattern_cases] == [
        (8, "false alarm"),
        (6, "missed alarm"),
        (10, "missed alarm"),
        (12, "not audited"),
    ]


def test_wilson_interval_by_hand() -> None:
    # 8 of 10 at z = 1.959964: centre (0.8 + z²/20) / (1 + z²/10), half width by the textbook formula.
    found = share(8, 10)
    assert (found.low, found.high) == (pytest.approx(0.4902, abs=1e-4), pytest.approx(0.9433, abs=1e-4))
    assert str(found) == "8/10 (80.0%, 49.0-94.3)"
    assert str(share(0, 0)) == "0/0"


def test_f1_of_nothing_is_nothing() -> None:
    assert f1_score(0, 0, 0) is None
    assert f1_score(9, 1, 1) == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("wanted", "call", "kind"),
    [
        ("CLEAN", "VIOLATION", Kind.FALSE_ALARM),
        ("CLEAN", "NOT_APPLICABLE", Kind.UNANSWERED),
        ("VIOLATION", "FLAG", Kind.NOT_OUTRIGHT),
        ("ILLEGAL", "UNCLEAR", Kind.MISSED_ALARM),
        ("FLAG", "CLEAN", Kind.DISPUTE_DECIDED),
        ("FLAG", "ILLEGAL", Kind.DISPUTE_DECIDED),
        ("ILLEGAL", "NOT_AUDITED", Kind.NOT_AUDITED),
    ],
)
def test_how_a_call_differs(wanted: str, call: str, kind: Kind) -> None:
    assert not meets(wanted, call)
    assert kind_of(wanted, call) is kind
