"""What the page of a rule shows: its documentation, how it ended everywhere, its cases and its accuracy."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audits.outcome import Status
from audits.rules_docs import paragraphs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from audits.rule import Rule
    from harness.dashboard.field import Field, Row, Where
    from harness.dashboard.labels import Labels, PatternScore
    from harness.dashboard.reviews import Case

CASES_SHOWN = 300


@dataclass(frozen=True, slots=True)
class RulePage:
    """One rule with everything a sweep and labels say about it."""

    rule: Rule
    said: Mapping[str, str]
    """Paragraphs of its documentation; the offence under an empty name."""
    counts: Mapping[str, int]
    """Status to audited folders that ended so."""
    patterns: tuple[str, ...]
    """Its own pattern first, then others that its outcomes named."""
    scores: tuple[PatternScore, ...]
    flagged: tuple[tuple[Case, Row], ...]
    crashed: tuple[tuple[Case, Row], ...]

    @property
    def own(self) -> PatternScore | None:
        """Return the score of the rule's own pattern, where labels know it."""
        return next((score for score in self.scores if score.name == self.rule.pattern), None)


def rule_pages(field: Field, cases: Iterable[Case], labels: Labels) -> tuple[RulePage, ...]:
    """Return one page a rule, in rulebook order."""
    rows = {row.where: row for row in field.rows}
    by_rule: dict[str, list[Case]] = {}
    for case in cases:
        by_rule.setdefault(case.rule, []).append(case)
    return tuple(_page(rule, field, by_rule.get(rule.id, []), rows, labels) for rule in field.rules)


def _page(rule: Rule, field: Field, cases: list[Case], rows: Mapping[Where, Row], labels: Labels) -> RulePage:
    counts = Counter(row.judged.statuses.get(rule.id, "") for row in field.rows if row.judged)
    flagged = [case for case in cases if case.status == Status.FLAGGED.value]
    seen = [name for case in flagged for name in case.patterns]
    patterns = tuple(dict.fromkeys(([rule.pattern] if rule.pattern else []) + seen))
    return RulePage(
        rule=rule,
        said=paragraphs(rule),
        counts={status.value: counts[status.value] for status in Status},
        patterns=patterns,
        scores=labels.scores(patterns),
        flagged=tuple((case, rows[case.where]) for case in flagged),
        crashed=tuple((case, rows[case.where]) for case in cases if case.status == Status.CRASHED.value),
    )
