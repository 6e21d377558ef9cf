"""What label files say, beside what the sweep says: per pull request, and per pattern of a rule.

Only prepares what `harness.score` reads and matches; a label that points at nothing audited counts as a
miss.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.dashboard.field import POLICY
from harness.score.answers import Answers
from harness.score.figures import Share, f1_score, share
from harness.score.labels import PATTERN_NAMES, read_label_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from harness.score.answers import Answer
    from harness.score.labels import CommunityLabel, GoldLabel, LabelFile
    from harness.sweep.reader import Reader


@dataclass(frozen=True, slots=True)
class Opinion:
    """One label as the page of its pull request shows it."""

    pr: int
    source: str
    says: str
    patterns: tuple[str, ...]
    why: str
    url: str
    folder: str
    moved: bool
    """The label was given to another head than the one that was swept."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One label and one pattern: which side saw it."""

    pr: int
    position: int
    folder: str
    note: str
    """What the label says about it."""


@dataclass(frozen=True, slots=True)
class PatternScore:
    """How one pattern fared against gold labels."""

    name: str
    precision: Share
    recall: Share
    f1: float | None
    agreed: tuple[Sighting, ...]
    false_alarms: tuple[Sighting, ...]
    missed_alarms: tuple[Sighting, ...]


@dataclass(frozen=True, slots=True)
class Labels:
    """Everything that pages show of label files."""

    files: tuple[LabelFile, ...]
    opinions: tuple[Opinion, ...]
    patterns: tuple[PatternScore, ...]

    def scores(self, names: Iterable[str]) -> tuple[PatternScore, ...]:
        """Return the scores of these patterns, where labels know them."""
        wanted = frozenset(names)
        return tuple(score for score in self.patterns if score.name in wanted)


NO_LABELS = Labels((), (), ())


def read_labels(store: Reader, paths: Sequence[Path]) -> Labels:
    """Return what the label files say about this sweep."""
    if not paths:
        return NO_LABELS
    files = tuple(read_label_file(path) for path in paths)
    answers = Answers(store, POLICY)
    gold = [(label, answers.to_gold(label)) for file in files for label in file.gold]
    community = [(label, answers.to_community(label)) for file in files for label in file.community]
    opinions = (
        *(_gold_opinion(label, answer) for label, answer in gold),
        *(_community_opinion(label, answer) for label, answer in community),
    )
    sure = [(label, answer) for label, answer in gold if label.confident]
    return Labels(files, opinions, tuple(_score(name, sure) for name in sorted(PATTERN_NAMES)))


def _score(name: str, pairs: Sequence[tuple[GoldLabel, Answer]]) -> PatternScore:
    agreed: list[Sighting] = []
    false: list[Sighting] = []
    missed: list[Sighting] = []
    for label, answer in pairs:
        ours, theirs = name in answer.patterns, name in label.reachable
        if ours or theirs:
            (agreed if ours and theirs else false if ours else missed).append(_sighting(label, answer, name))
    hits = len(agreed)
    return PatternScore(
        name,
        share(hits, hits + len(false)),
        share(hits, hits + len(missed)),
        f1_score(hits, len(false), len(missed)),
        tuple(agreed),
        tuple(false),
        tuple(missed),
    )


def _sighting(label: GoldLabel, answer: Answer, name: str) -> Sighting:
    told = " ".join(f"{p.lines} {p.note}".strip() for p in label.patterns if p.name == name)
    return Sighting(
        label.pr, answer.judged[0].entry.position if answer.judged else -1, label.folder, told or label.why
    )


def _gold_opinion(label: GoldLabel, answer: Answer) -> Opinion:
    axes = ", ".join(f"{axis} {label.axes.on(axis)}" for axis in ("legality", "metric", "limits"))
    return Opinion(
        pr=label.pr,
        source=f"gold label, round {label.round}, confidence {label.confidence:.0%}",
        says=axes,
        patterns=tuple(p.name + ("" if p.reachable else " (not reachable)") for p in label.patterns),
        why=label.why,
        url="",
        folder=label.folder,
        moved=answer.moved,
    )


def _community_opinion(label: CommunityLabel, answer: Answer) -> Opinion:
    role = ", maintainer" if label.from_maintainer else ""
    return Opinion(
        pr=label.pr,
        source=f"{label.source}{role}",
        says=label.verdict,
        patterns=label.pattern,
        why=label.evidence,
        url=label.url if label.url.startswith("https://github.com/") else "",
        folder="",
        moved=answer.moved,
    )
