"""Hold verdicts against what people said in public, source by source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping  # read by pydantic
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.score.answers import CALLS
from harness.score.concerns import FALLBACK, axes_of
from harness.score.documented import documented
from harness.score.figures import Share, share
from harness.score.places import Reason, reasons_on

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.score.answers import Answer, Answers
    from harness.score.labels import CommunityLabel
    from harness.sweep.reader import Reader

ALARMS = ("FLAG", "HOLD", "ILLEGAL", "CLOSED_ILLEGAL")
CLOSED = ("CLOSED_ILLEGAL", "ILLEGAL")
_ALARMED = ("ILLEGAL", "VIOLATION", "FLAG")


@documented
@dataclass(frozen=True, slots=True)
class SourceScore:
    """One source's verdicts of one kind, and how often ours agree."""

    source: str
    maintainer: bool
    verdict: str
    rows: int
    agreement: Share | None
    """None for RETRACTED and NEEDS_AUTHOR_ACTION, which say nothing on legality."""
    calls: Mapping[str, int]
    """Our call on the axis concerned (legality for the unscored ones), to rows."""


@documented
@dataclass(frozen=True, slots=True)
class Statement:
    """One public statement that our verdict does not meet."""

    pr: int
    source: str
    maintainer: bool
    verdict: str
    tags: tuple[str, ...]
    axes: tuple[str, ...]
    """Axes that it concerns."""
    guessed: bool
    """No tag names an axis: held against the worst of legality, metric and limits."""
    call: str
    """Our worst call on those axes."""
    missing: str
    moved: bool
    reasons: tuple[Reason, ...]
    evidence: str
    """What was said, paraphrased."""
    url: str


@documented
@dataclass(frozen=True, slots=True)
class CommunityScore:
    """Everything that public statements say about one sweep."""

    sources: tuple[SourceScore, ...]
    closed_by_maintainers: Share
    """CLOSED_ILLEGAL or ILLEGAL of a maintainer that we call ILLEGAL, VIOLATION or FLAG on its axis."""
    closed_by_anyone: Share
    """The same over everybody who reports a closing."""
    guessed: int
    """Scored statements whose tags name no axis."""
    disagreements: tuple[Statement, ...]
    moved: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Held:
    """One statement with our answer."""

    label: CommunityLabel
    answer: Answer
    axes: tuple[str, ...]
    guessed: bool

    @property
    def call(self) -> str:
        """Return our worst call on the axes concerned."""
        return min((self.answer.call(axis) for axis in self.axes), key=CALLS.index)

    @property
    def scored(self) -> bool:
        return self.label.verdict == "CLEAN" or self.label.verdict in ALARMS

    @property
    def met(self) -> bool:
        """Tell whether our call meets the statement."""
        return self.call == "CLEAN" if self.label.verdict == "CLEAN" else self.call in _ALARMED


def score_community(store: Reader, answers: Answers, labels: Sequence[CommunityLabel]) -> CommunityScore:
    """Return how far the verdicts meet what people said."""
    held = [_hold(label, answers) for label in labels]
    closed = [item for item in held if item.label.verdict in CLOSED]
    missed = [item for item in held if item.scored and not item.met]
    return CommunityScore(
        sources=tuple(_sources(held)),
        closed_by_maintainers=_met(item for item in closed if item.label.from_maintainer),
        closed_by_anyone=_met(closed),
        guessed=sum(item.guessed and item.scored for item in held),
        disagreements=tuple(_statement(store, item) for item in sorted(missed, key=_urgency)),
        moved=tuple(f"#{item.label.pr} ({item.label.source})" for item in held if item.answer.moved),
    )


def _hold(label: CommunityLabel, answers: Answers) -> _Held:
    """Return a statement with our answer and what it is about."""
    answer = answers.to_community(label)
    if label.verdict not in ALARMS:
        return _Held(label, answer, ("legality",), False)
    axes = axes_of(label.pattern)
    return _Held(label, answer, axes or FALLBACK, not axes)


def _met(items: Iterable[_Held]) -> Share:
    met = [item.met for item in items]
    return share(sum(met), len(met))


def _sources(held: list[_Held]) -> Iterable[SourceScore]:
    """Yield one score a source and verdict, maintainers first, then by number of rows."""
    groups: dict[tuple[str, str], list[_Held]] = {}
    for item in held:
        groups.setdefault((item.label.source, item.label.verdict), []).append(item)
    said = Counter(item.label.source for item in held)
    order = {"CLEAN": 0, **{verdict: index for index, verdict in enumerate(ALARMS, 1)}}
    for (source, verdict), items in sorted(
        groups.items(),
        key=lambda group: (
            not group[1][0].label.from_maintainer,
            -said[group[0][0]],
            group[0][0],
            order.get(group[0][1], 9),
        ),
    ):
        yield SourceScore(
            source=source,
            maintainer=items[0].label.from_maintainer,
            verdict=verdict,
            rows=len(items),
            agreement=_met(items) if items[0].scored else None,
            calls=dict(sorted(Counter(i.call for i in items).items(), key=lambda c: CALLS.index(c[0]))),
        )


def _statement(store: Reader, item: _Held) -> Statement:
    label, answer = item.label, item.answer
    axis = min(item.axes, key=lambda axis: CALLS.index(answer.call(axis)))
    judged = answer.deciding(axis)
    return Statement(
        pr=label.pr,
        source=label.source,
        maintainer=label.from_maintainer,
        verdict=label.verdict,
        tags=label.pattern,
        axes=item.axes,
        guessed=item.guessed,
        call=item.call,
        missing=answer.missing,
        moved=answer.moved,
        reasons=reasons_on(store, judged, axis, answer.policy) if judged is not None else (),
        evidence=label.evidence,
        url=label.url,
    )


def _urgency(item: _Held) -> tuple[bool, bool, bool, int, str]:
    """Return the order of disagreements: closings first, then other alarms, then alarms of ours."""
    label = item.label
    return (
        label.verdict not in CLOSED,
        not label.from_maintainer,
        label.verdict == "CLEAN",
        label.pr,
        label.source,
    )
