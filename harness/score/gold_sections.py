"""Lay out the score against gold labels: axes, patterns, and every case with both sides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.outcome import Status
from harness.score.answers import CALLS, NOT_AUDITED
from harness.score.blocks import Block, Heading, Item, Items, Line, Link, Paragraph, table
from harness.score.gold import AXES, main_stratum
from harness.score.places import pull_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.score.cases import Case
    from harness.score.gold import AxisScore, GoldScore, PatternScore
    from harness.score.places import Reason

    Explain = Callable[[Case], str]
RULES_SHOWN = 4
PLACES_SHOWN = 2
_LABELS = ("CLEAN", "ILLEGAL", "VIOLATION", "FLAG", "UNCLEAR")


def axis_blocks(gold: GoldScore) -> Iterator[Block]:
    """Yield the figures of each axis, strata apart, with the confusion matrix on legality."""
    for axis in AXES:
        scores = [score for score in gold.axes if score.axis == axis and score.scored]
        if not scores:
            continue
        yield Heading(3, axis.capitalize())
        columns = ("", *(score.stratum for score in scores))
        yield table(columns, [(name, *(str(value(s)) for s in scores)) for name, value in _figures(axis)])
        for score in scores if axis == "legality" else ():
            yield Paragraph((f"{score.stratum}: label (down) against call (across)",))
            yield _matrix(score)


def _figures(axis: str) -> list[tuple[str, Callable[[AxisScore], object]]]:
    """Return what is said of an axis, by name."""
    breach = "ILLEGAL" if axis == "legality" else "VIOLATION"
    return [
        ("labels", lambda s: s.labels),
        ("left out: unsure, open", lambda s: f"{s.unsure}, {s.open}"),
        ("agreement", lambda s: s.agreement),
        (f"false alarms (CLEAN called {breach})", lambda s: s.false_alarms),
        ("soft alarms (CLEAN called FLAG)", lambda s: s.soft_alarms),
        ("unanswered (CLEAN called UNCLEAR)", lambda s: s.unanswered),
        (f"{breach} recall ({breach} or FLAG)", lambda s: s.recall),
        (f"{breach} called {breach}", lambda s: s.outright),
        (f"missed alarms ({breach} called neither)", lambda s: s.missed_alarms),
        ("not audited (counted as misses)", lambda s: s.not_audited),
    ]


def _matrix(score: AxisScore) -> Block:
    calls = [
        call for call in CALLS if call != "VIOLATION" and any(call in row for row in score.matrix.values())
    ]
    rows = [
        (label, *(score.matrix[label].get(call, 0) for call in calls))
        for label in _LABELS
        if label in score.matrix
    ]
    return table(("label", *calls), rows, frozenset(range(1, len(calls) + 1)))


def pattern_blocks(gold: GoldScore, strata: list[str] | None = None) -> Iterator[Block]:
    """Yield precision, recall and F1 by pattern for the named strata, the main one by default."""
    for stratum in strata or [main_stratum(gold.patterns)]:
        scores = [score for score in gold.patterns if score.stratum == stratum]
        if not scores:
            continue
        yield Paragraph((f"{stratum}, reachable patterns, confident labels",))
        columns = ("pattern", "both", "only ours", "only label", "precision", "recall", "F1", "F1 >= 0.9")
        yield table(columns, [_pattern_row(score) for score in scores], frozenset({1, 2, 3, 6}))


def _pattern_row(score: PatternScore) -> tuple[object, ...]:
    verdict = ("yes" if score.reached else "NO") if score.many else "few cases"
    return (
        score.pattern,
        score.true_positives,
        score.false_positives,
        score.false_negatives,
        score.precision,
        score.recall,
        "" if score.f1 is None else f"{score.f1:.2f}",
        verdict,
    )


def case_blocks(cases: tuple[Case, ...], explain: Explain | None = None) -> Iterator[Block]:
    """Yield every case, grouped by subject and kind."""
    groups: dict[str, list[Case]] = {}
    for case in cases:
        groups.setdefault(f"{case.subject}: {case.kind}", []).append(case)
    for name, members in groups.items():
        yield Heading(3, f"{name} ({len(members)})")
        yield Items(tuple(_item(case, explain) for case in members))


def _item(case: Case, explain: Explain | None) -> Item:
    """Return one case with both sides' reasons."""
    head: Line = (Link(f"#{case.pr}", pull_url(case.pr)), f" {case.folder}: ")
    if case.subject.startswith("pattern/"):
        head += (f"{case.call} for us, {case.label} in the label",)
    else:
        head += (f"labelled {case.label}, called {case.call}",)
    head += (f" (round {case.round}, confidence {case.confidence:g})",)
    lines: list[Line] = []
    explained = explain(case) if explain is not None else ""
    if explained:
        lines.append((f"Explained: {explained}",))
    if case.call == NOT_AUDITED:
        lines.append((f"Not audited: {case.missing}",))
    if case.moved:
        lines.append((f"The label was given to another head than {case.head_sha[:12]}",))
    lines += our_lines(case.reasons)
    lines.append((f"Label: {case.why}" + (f" [{case.label_lines}]" if case.label_lines else ""),))
    if case.contested and case.contested not in explained:
        lines.append((f"Contested: {case.contested}",))
    return Item(head, tuple(lines))


def our_lines(reasons: tuple[Reason, ...]) -> list[Line]:
    """Return our side: what decided the call; of rules that saw nothing wrong one and their number."""
    silent = all(reason.status == Status.CLEAN for reason in reasons)
    shown = reasons[: 1 if silent else RULES_SHOWN]
    lines: list[Line] = [("Ours: ", *_reason_line(reason)) for reason in shown]
    if len(reasons) > len(shown):
        more = len(reasons) - len(shown)
        lines.append((f"Ours: {more} more rules {'saw nothing wrong' if silent else 'say the same'}",))
    return lines


def _reason_line(reason: Reason) -> Line:
    """Return one rule with its reason and links to its places."""
    line: Line = (f"{reason.rule} ({reason.status}): {reason.text}",)
    for place in reason.places[:PLACES_SHOWN]:
        line += (" ", Link(place.label, place.url))
    return line
