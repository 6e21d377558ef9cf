"""The whole score of one sweep as one record: what text, markdown, JSON and docs/accuracy.md are made from.

Promises that what it holds is enough to render any of them, and that it holds no time or path of the machine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping  # read by pydantic
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from harness.score.answers import Answers
from harness.score.changes import Changes, compare_runs
from harness.score.community import CommunityScore, score_community
from harness.score.corrections import apply, reasons_by_subject
from harness.score.documented import documented
from harness.score.goals import Goal, goals_of
from harness.score.gold import GoldScore, score_gold
from harness.score.reviewer import ReviewerTable, compare_reviewer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.score.corrections import Correction
    from harness.score.labels import LabelFile
    from harness.sweep.reader import Reader

SCHEMA_ID: Final = "referee-score/1"


@documented
@dataclass(frozen=True, slots=True)
class RunInfo:
    """What was swept."""

    about: Mapping[str, str]
    """What the sweep recorded of itself: versions, base commit, selection."""
    pulls: int
    """Pull requests that were asked for."""
    states: Mapping[str, int]
    """Those by state; the counts add up to `pulls`."""
    folders: int
    """Record folders with a verdict."""
    newest_head: str
    """Commit date of the newest head, ISO 8601."""


@documented
@dataclass(frozen=True, slots=True)
class LabelInfo:
    """One file of labels."""

    name: str
    sha256: str
    gold: int
    community: int


@documented
@dataclass(frozen=True, slots=True)
class CorrectionInfo:
    """What was done with contested labels."""

    rows: int
    applied: int
    stale: tuple[str, ...]


@documented
@dataclass(frozen=True, slots=True)
class ScoreReport:
    """Everything that one call of `referee score` found out."""

    schema: Literal["referee-score/1"]
    referee: str
    policy: str
    run: RunInfo
    labels: tuple[LabelInfo, ...]
    goals: tuple[Goal, ...]
    """Held against the labels as given."""
    gold: GoldScore | None
    """Against the labels as given."""
    corrections: CorrectionInfo | None
    corrected: GoldScore | None
    """Against the labels with the corrections; None when none applies."""
    corrected_goals: tuple[Goal, ...]
    community: CommunityScore | None
    reviewer: ReviewerTable | None
    changes: Changes | None
    """What changed since an earlier sweep; None when none was named."""


def score(
    store: Reader,
    files: Sequence[LabelFile],
    corrections: Sequence[Correction] = (),
    earlier: Reader | None = None,
    policy: str = "practice",
) -> ScoreReport:
    """Return the score of one sweep against labels."""
    from harness.version import version

    answers = Answers(store, policy)
    gold_labels = [label for file in files for label in file.gold]
    statements = [label for file in files for label in file.community]
    corrected_labels = apply(gold_labels, corrections)
    contested = reasons_by_subject(corrections)
    gold = score_gold(store, answers, gold_labels, contested) if gold_labels else None
    corrected = (
        score_gold(store, answers, corrected_labels.labels, contested) if corrected_labels.applied else None
    )
    community = score_community(store, answers, statements) if statements else None
    return ScoreReport(
        schema=SCHEMA_ID,
        referee=version(),
        policy=policy,
        run=_run_info(store),
        labels=tuple(LabelInfo(f.name, f.sha256, len(f.gold), len(f.community)) for f in files),
        goals=goals_of(gold, community),
        gold=gold,
        corrections=CorrectionInfo(len(corrections), corrected_labels.applied, corrected_labels.stale)
        if corrections and gold_labels
        else None,
        corrected=corrected,
        corrected_goals=goals_of(corrected, None),
        community=community,
        reviewer=compare_reviewer(answers, gold_labels, statements),
        changes=compare_runs(earlier, store, policy) if earlier is not None else None,
    )


def _run_info(store: Reader) -> RunInfo:
    pulls = store.pulls()
    return RunInfo(
        about=store.about(),
        pulls=len(pulls),
        states=dict(sorted(Counter(pull.state.value for pull in pulls).items())),
        folders=len(store.judged()),
        newest_head=max((pull.committed_at for pull in pulls), default=""),
    )
