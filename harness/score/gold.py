"""Score verdicts against gold labels: axis by axis and pattern by pattern, rounds apart.

Promises that the rows of every stratum add up: scored, unsure, unclear and unjudged ones are all counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping  # read by pydantic
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.score.cases import BREACHES, Case, Kind, axis_case, kind_of, meets, pattern_case
from harness.score.documented import documented
from harness.score.figures import Share, f1_score, share
from harness.score.labels import OWN_ROUND, PATTERN_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.score.answers import Answer, Answers
    from harness.score.labels import GoldLabel
    from harness.sweep.reader import Reader

AXES = ("legality", "metric", "limits")
POOLED = "rounds 1 and 2"
MANY_CASES = 5
"""A pattern with fewer labelled cases is shown and not held against the goal."""
F1_GOAL = 0.9
_KIND_ORDER = tuple(Kind)


@documented
@dataclass(frozen=True, slots=True)
class AxisScore:
    """How the calls on one axis agree with the labels of one stratum."""

    axis: str
    stratum: str
    """`round N`, or `rounds 1 and 2`, which is no estimate for the field: round 1 is enriched."""
    labels: int
    scored: int
    """Labels with confidence 0.6 or more that are neither UNCLEAR nor UNJUDGED."""
    unsure: int
    """Left out: confidence below 0.6."""
    open: int
    """Left out: UNCLEAR, or UNJUDGED on this axis."""
    matrix: Mapping[str, Mapping[str, int]]
    """Label to call to rows, over every confident label that was judged, UNCLEAR ones included."""
    agreement: Share
    false_alarms: Share
    """CLEAN called ILLEGAL or VIOLATION, out of CLEAN."""
    soft_alarms: Share
    """CLEAN called FLAG, out of CLEAN."""
    unanswered: Share
    """CLEAN called UNCLEAR, out of CLEAN."""
    missed_alarms: Share
    """ILLEGAL or VIOLATION called CLEAN or UNCLEAR, out of those."""
    recall: Share
    """ILLEGAL or VIOLATION called so or FLAG."""
    outright: Share
    """ILLEGAL or VIOLATION called so."""
    not_audited: int
    """Scored rows without a verdict; each is a miss."""


@documented
@dataclass(frozen=True, slots=True)
class PatternScore:
    """How well one reachable pattern is recognised in one stratum, over confident labels."""

    pattern: str
    stratum: str
    true_positives: int
    false_positives: int
    false_negatives: int
    precision: Share
    recall: Share
    f1: float | None
    many: bool
    """Five or more labelled cases, enough to be held against the goal."""
    reached: bool
    """F1 of 0.9 or more."""


@documented
@dataclass(frozen=True, slots=True)
class GoldScore:
    """Everything that gold labels say about one sweep."""

    axes: tuple[AxisScore, ...]
    patterns: tuple[PatternScore, ...]
    cases: tuple[Case, ...]
    """Every disagreement on an axis, by axis and kind."""
    pattern_cases: tuple[Case, ...]
    """Every disagreement on a pattern, by name."""
    moved: tuple[str, ...]
    """Labels that were given to another head than the one swept."""

    def axis(self, axis: str, stratum: str | None = None) -> AxisScore | None:
        """Return the score on `axis` of one stratum, of the one that stands for all by default."""
        found = [score for score in self.axes if score.axis == axis]
        return next((score for score in found if score.stratum == (stratum or main_stratum(found))), None)


def main_stratum(scores: Sequence[AxisScore | PatternScore]) -> str:
    """Return the stratum that goals are held against: both rounds pooled where both are there."""
    names = [score.stratum for score in scores]
    return POOLED if POOLED in names else next(iter(names), "")


def score_gold(
    store: Reader,
    answers: Answers,
    labels: Sequence[GoldLabel],
    contested: Mapping[tuple[int, str, str], str],
) -> GoldScore:
    """Return the score of one sweep on gold labels."""
    rows = [(label, answers.to_gold(label)) for label in labels]
    strata = strata_of(rows)
    cases = [
        axis_case(store, label, answer, axis, contested.get((label.pr, label.folder, axis), ""))
        for axis in AXES
        for label, answer in rows
        if _scored(label, axis) and not meets(label.axes.on(axis), answer.call(axis))
    ]
    return GoldScore(
        axes=tuple(axis_score(axis, name, rows) for axis in AXES for name, rows in strata.items()),
        patterns=tuple(
            score for name, rows in strata.items() for score in pattern_scores(name, _confident(rows))
        ),
        cases=tuple(sorted(cases, key=_place_of_case)),
        pattern_cases=tuple(
            sorted(
                (
                    pattern_case(
                        store,
                        label,
                        answer,
                        name,
                        contested.get((label.pr, label.folder, f"pattern/{name}"), ""),
                    )
                    for label, answer in _confident(rows)
                    for name in label.reachable ^ (answer.patterns & PATTERN_NAMES)
                ),
                key=lambda case: (case.subject, case.kind, case.pr, case.folder),
            )
        ),
        moved=tuple(f"#{label.pr} {label.folder}" for label, answer in rows if answer.moved),
    )


def strata_of(rows: list[tuple[GoldLabel, Answer]]) -> dict[str, list[tuple[GoldLabel, Answer]]]:
    """Return the rows by round, and those of other readers' rounds together."""
    numbers = sorted({label.round for label, _ in rows})
    strata = {f"round {number}": [row for row in rows if row[0].round == number] for number in numbers}
    if {1, 2} <= set(numbers):
        strata = {POOLED: [row for row in rows if row[0].round != OWN_ROUND], **strata}
    return strata


def axis_score(axis: str, stratum: str, rows: list[tuple[GoldLabel, Answer]]) -> AxisScore:
    """Return the score on one axis over the rows of one stratum."""
    sure = _confident(rows)
    judged = [(label.axes.on(axis), answer.call(axis)) for label, answer in sure]
    judged = [pair for pair in judged if pair[0] != "UNJUDGED"]
    pairs = [pair for pair in judged if pair[0] != "UNCLEAR"]
    kinds = Counter(kind_of(*pair) for pair in pairs if not meets(*pair) and pair[0] == "CLEAN")
    clean = sum(label == "CLEAN" for label, _ in pairs)
    breaches = [call for label, call in pairs if label in BREACHES]
    seen = sum(call in (*BREACHES, "FLAG") for call in breaches)
    return AxisScore(
        axis=axis,
        stratum=stratum,
        labels=len(rows),
        scored=len(pairs),
        unsure=len(rows) - len(sure),
        open=len(sure) - len(pairs),
        matrix=_matrix(judged),
        agreement=share(sum(meets(*pair) for pair in pairs), len(pairs)),
        false_alarms=share(kinds[Kind.FALSE_ALARM], clean),
        soft_alarms=share(kinds[Kind.SOFT_ALARM], clean),
        unanswered=share(kinds[Kind.UNANSWERED], clean),
        missed_alarms=share(len(breaches) - seen, len(breaches)),
        recall=share(seen, len(breaches)),
        outright=share(sum(call in BREACHES for call in breaches), len(breaches)),
        not_audited=sum(kind_of(*pair) is Kind.NOT_AUDITED for pair in pairs),
    )


def pattern_scores(stratum: str, rows: list[tuple[GoldLabel, Answer]]) -> Iterable[PatternScore]:
    """Yield the score of every pattern that either side names, the most frequent first."""
    both: Counter[str] = Counter()
    ours: Counter[str] = Counter()
    theirs: Counter[str] = Counter()
    for label, answer in rows:
        said = answer.patterns & PATTERN_NAMES
        both.update(label.reachable & said)
        ours.update(said)
        theirs.update(label.reachable)
    for name in sorted({*ours, *theirs}, key=lambda name: (-theirs[name], name)):
        hits, spurious, missed = both[name], ours[name] - both[name], theirs[name] - both[name]
        f1 = f1_score(hits, spurious, missed)
        yield PatternScore(
            pattern=name,
            stratum=stratum,
            true_positives=hits,
            false_positives=spurious,
            false_negatives=missed,
            precision=share(hits, ours[name]),
            recall=share(hits, theirs[name]),
            f1=f1,
            many=theirs[name] >= MANY_CASES,
            reached=f1 is not None and f1 >= F1_GOAL,
        )


def _confident(rows: list[tuple[GoldLabel, Answer]]) -> list[tuple[GoldLabel, Answer]]:
    return [row for row in rows if row[0].confident]


def _scored(label: GoldLabel, axis: str) -> bool:
    return label.confident and label.axes.on(axis) not in ("UNCLEAR", "UNJUDGED")


def _matrix(judged: list[tuple[str, str]]) -> dict[str, dict[str, int]]:
    """Return label to call to rows; only labels and calls that occur."""
    matrix: dict[str, dict[str, int]] = {}
    for (label, call), rows in sorted(Counter(judged).items()):
        matrix.setdefault(label, {})[call] = rows
    return matrix


def _place_of_case(case: Case) -> tuple[int, int, int, str]:
    return (AXES.index(case.subject), _KIND_ORDER.index(Kind(case.kind)), case.pr, case.folder)
