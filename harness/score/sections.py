"""Lay out a whole score, section by section, for whichever format will show it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.score.blocks import Block, Heading, Item, Items, Line, Link, Paragraph, table
from harness.score.gold_sections import RULES_SHOWN, axis_blocks, case_blocks, our_lines, pattern_blocks
from harness.score.places import pull_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from harness.score.changes import Change, Changes
    from harness.score.community import CommunityScore, Statement
    from harness.score.goals import Goal
    from harness.score.gold import GoldScore
    from harness.score.report import ScoreReport
    from harness.score.reviewer import ReviewerTable

    ExplainStatement = Callable[[Statement], str]


def report_blocks(report: ScoreReport) -> Iterator[Block]:
    """Yield everything, figures before cases."""
    yield from run_blocks(report)
    if report.goals:
        yield from goal_blocks(report)
    if report.gold is not None:
        yield Heading(2, "Gold labels" + (", as given" if report.corrected else ""))
        yield from axis_blocks(report.gold)
        yield Heading(3, "Patterns")
        yield from pattern_blocks(report.gold, strata_of_patterns(report.gold))
    if report.corrections is not None:
        yield from correction_blocks(report)
    if report.community is not None:
        yield from community_blocks(report.community)
    if report.reviewer is not None:
        yield from reviewer_blocks(report.reviewer)
    if report.changes is not None:
        yield from change_blocks(report.changes)
    if report.gold is not None:
        yield from _case_section(report.gold)


def _case_section(gold: GoldScore) -> Iterator[Block]:
    yield Heading(2, "Cases: verdicts that do not meet their label")
    yield from case_blocks(gold.cases)
    yield Heading(2, "Cases: patterns")
    yield from case_blocks(gold.pattern_cases)
    if gold.moved:
        yield Paragraph((f"Labels given to another head than the one swept: {', '.join(gold.moved)}",))


def strata_of_patterns(gold: GoldScore) -> list[str]:
    """Return the strata that patterns are scored in, the main one first."""
    return list(dict.fromkeys(score.stratum for score in gold.patterns))


def run_blocks(report: ScoreReport) -> Iterator[Block]:
    """Yield what was swept and which labels it is held against."""
    run = report.run
    states = ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in run.states.items())
    yield Heading(2, "What is measured")
    yield Paragraph(
        (
            f"{run.pulls} pull requests ({states}), {run.folders} record folders with a verdict, newest head"
            f" of {run.newest_head[:10]}, policy {report.policy}.",
        )
    )
    versions = ", ".join(f"{name} {value[:16]}" for name, value in run.about.items() if value)
    if versions:
        yield Paragraph((f"Sweep: {versions}.",))
    if report.labels:
        rows: list[tuple[object, ...]] = [
            (f.name, f.gold or "", f.community or "", f.sha256[:16]) for f in report.labels
        ]
        yield table(("labels", "gold rows", "public statements", "sha256"), rows, frozenset({1, 2}))


def goal_blocks(report: ScoreReport) -> Iterator[Block]:
    """Yield the goals, against the labels as given and as corrected."""
    yield Heading(2, "Goals")
    corrected = {goal.name: goal for goal in report.corrected_goals}
    columns = ("goal", "wanted", "reached", "met")
    if not corrected:
        yield table(columns, [(g.name, g.wanted, g.reached, _met(g)) for g in report.goals])
        return
    rows: list[tuple[object, ...]] = []
    for goal in report.goals:
        other = corrected.get(goal.name)
        after = (other.reached, _met(other)) if other else ("", "")
        rows.append((goal.name, goal.wanted, goal.reached, _met(goal), *after))
    yield table((*columns, "labels corrected", "met"), rows)


def _met(goal: Goal) -> str:
    return "" if goal.met is None else "yes" if goal.met else "NO"


def correction_blocks(report: ScoreReport) -> Iterator[Block]:
    """Yield what the corrections change, and those that fit no label."""
    info = report.corrections
    if info is None:
        return
    yield Heading(2, f"Gold labels, corrected ({info.applied} of {info.rows} corrections applied)")
    if report.corrected is not None:
        yield from axis_blocks(report.corrected)
        yield from pattern_blocks(report.corrected)
    if info.stale:
        yield Paragraph(("Corrections that fit no label:",))
        yield Items(tuple(Item((text,)) for text in info.stale))


def community_blocks(community: CommunityScore, explain: ExplainStatement | None = None) -> Iterator[Block]:
    """Yield agreement by source, and every statement that is not met."""
    yield Heading(2, "What people said in public")
    meaning = (
        "Closed or called ILLEGAL by a maintainer, and ILLEGAL, VIOLATION or FLAG here on the axis concerned"
    )
    maintainers, anyone = community.closed_by_maintainers, community.closed_by_anyone
    yield Paragraph((f"{meaning}: {maintainers}; whoever reports it: {anyone}.",))
    rows: list[tuple[object, ...]] = [
        (
            s.source,
            "maintainer" if s.maintainer else "",
            s.verdict,
            s.rows,
            "not scored" if s.agreement is None else s.agreement,
            ", ".join(f"{count} {call}" for call, count in s.calls.items()),
        )
        for s in community.sources
    ]
    yield table(("source", "", "says", "rows", "agreement", "our calls"), rows, frozenset({3}))
    if community.guessed:
        yield Paragraph(
            (
                f"{community.guessed} scored statements name no axis and are held against the worst of"
                " legality, metric and limits.",
            )
        )
    yield Heading(3, f"Statements not met ({len(community.disagreements)})")
    yield Items(tuple(_statement(item, explain) for item in community.disagreements))
    if community.moved:
        yield Paragraph((f"Said of another head than the one swept: {', '.join(community.moved)}",))


def _statement(item: Statement, explain: ExplainStatement | None) -> Item:
    axes = ", ".join(item.axes) + (" (guessed)" if item.guessed else "")
    head: Line = (
        Link(f"#{item.pr}", pull_url(item.pr)),
        f" {item.source}: {item.verdict} ({', '.join(item.tags)}), called {item.call} on {axes}",
    )
    lines: list[Line] = [(f"Explained: {explain(item)}",)] if explain is not None else []
    lines.append((f"Said: {item.evidence}",))
    if item.missing:
        lines.append((f"Not audited: {item.missing}",))
    if item.moved:
        lines.append(("Said of another head",))
    return Item(head, (*lines, *our_lines(item.reasons)))


def reviewer_blocks(found: ReviewerTable) -> Iterator[Block]:
    """Yield the community reviewer's verdicts beside ours."""
    yield Heading(2, f"{found.reviewer} and Referee against the gold labels, legality, {found.rows} rows")
    rows: list[tuple[object, ...]] = [
        (judge.judge, judge.agreement, judge.false_alarms, judge.recall) for judge in found.judges
    ]
    yield table(("", "agreement", "CLEAN called ILLEGAL", "ILLEGAL recall"), rows)
    if found.errors:
        yield Paragraph(("Rows on which at least one of them errs:",))
        errors: list[tuple[object, ...]] = [
            (Link(f"#{row.pr}", pull_url(row.pr)), row.folder, row.gold, row.reviewer, row.ours)
            for row in found.errors
        ]
        yield table(("PR", "folder", "label", found.reviewer, "Referee"), errors)


def change_blocks(changes: Changes) -> Iterator[Block]:
    """Yield what is not as it was in the earlier sweep."""
    yield Heading(2, f"Verdicts that changed since ({len(changes.changed)} in {changes.compared} folders)")
    if changes.changed:
        columns = ("PR", "folder", "axis", "before", "after", "rules before", "rules after", "head")
        yield table(columns, [_change(change) for change in changes.changed])
    yield from _names("New", changes.new)
    yield from _names("Vanished", changes.vanished)
    if changes.outside:
        yield Paragraph((f"{changes.outside} folders belong to pull requests that this sweep left out.",))


def _change(change: Change) -> tuple[object, ...]:
    return (
        Link(f"#{change.pr}", pull_url(change.pr)),
        change.path,
        change.axis,
        change.before,
        change.after,
        _rules(change.rules_before),
        _rules(change.rules_after),
        "moved" if change.moved else "",
    )


def _rules(rules: Sequence[str]) -> str:
    more = len(rules) - RULES_SHOWN
    return ", ".join(rules[:RULES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _names(word: str, names: Sequence[str]) -> Iterator[Block]:
    if names:
        yield Paragraph((f"{word} ({len(names)}): {', '.join(names)}",))
