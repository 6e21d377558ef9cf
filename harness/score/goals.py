"""What a score is held against. The numbers are those the project set itself before it tuned a rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.score.documented import documented
from harness.score.gold import F1_GOAL, MANY_CASES, GoldScore, main_stratum

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.score.community import CommunityScore
    from harness.score.figures import Share

AGREEMENT = 0.97
RECALL = 0.95
OUTRIGHT = 0.90
CLOSED = 0.95


@documented
@dataclass(frozen=True, slots=True)
class Goal:
    """One number to reach."""

    name: str
    wanted: str
    reached: str
    met: bool | None
    """None where there is nothing to measure."""


def goals_of(gold: GoldScore | None, community: CommunityScore | None) -> tuple[Goal, ...]:
    """Return every goal that these labels can measure."""
    goals: list[Goal] = []
    if gold is not None:
        goals += _gold_goals(gold)
    if community is not None and community.closed_by_maintainers.total:
        goals.append(
            _at_least(
                "closed by a maintainer, ILLEGAL or FLAG on its axis", CLOSED, community.closed_by_maintainers
            )
        )
    return tuple(goals)


def _gold_goals(gold: GoldScore) -> Iterable[Goal]:
    legality = gold.axis("legality")
    if legality is not None:
        where = f"legality, {legality.stratum}"
        yield _at_least(f"{where}: agreement", AGREEMENT, legality.agreement)
        alarms = legality.false_alarms
        yield Goal(
            f"{where}: CLEAN called ILLEGAL", "none", str(alarms), alarms.hits == 0 if alarms.total else None
        )
        yield _at_least(f"{where}: ILLEGAL called ILLEGAL or FLAG", RECALL, legality.recall)
        yield _at_least(f"{where}: ILLEGAL called ILLEGAL outright", OUTRIGHT, legality.outright)
    stratum = main_stratum(gold.patterns)
    many = [score for score in gold.patterns if score.stratum == stratum and score.many]
    if many:
        reached = sum(score.reached for score in many)
        short = ", ".join(f"{s.pattern} {s.f1 or 0:.2f}" for s in many if not s.reached)
        yield Goal(
            f"patterns with {MANY_CASES} or more cases, {stratum}: F1 of {F1_GOAL} or more",
            f"all {len(many)}",
            f"{reached}" + (f"; short: {short}" if short else ""),
            reached == len(many),
        )


def _at_least(name: str, wanted: float, reached: Share) -> Goal:
    met = None if reached.rate is None else reached.rate >= wanted
    return Goal(name, f"at least {wanted:.0%}", str(reached), met)
