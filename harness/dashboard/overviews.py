"""Write the pages that show many pull requests: field, leaderboard, table, clusters, rules."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from harness.dashboard.board import ROWS_SHOWN, boards
from harness.dashboard.field import CALLS, Field, Row, pattern_counts, smoke_counts, tallies
from harness.dashboard.payload import AXIS_CALLS, script
from harness.dashboard.render import write_page
from harness.dashboard.rule_pages import CASES_SHOWN, rule_pages
from harness.sweep.records import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from harness.dashboard.kept_reviews import KeptReview
    from harness.dashboard.labels import Labels
    from harness.dashboard.reviews import Case
    from harness.sweep.records import Pull

_MEMBERS_SHOWN = 60


def write_overviews(out: Path, field: Field, labels: Labels, kept: Sequence[KeptReview] = ()) -> None:
    """Write the front page, the leaderboard, the table and the clusters."""
    from harness.dashboard.charts import LEGEND, charts

    every = tallies(field)
    states = Counter(pull.state for pull in field.pulls)
    drawn = charts(field)
    write_page(
        out,
        "index.html",
        "index.html.j2",
        asked=len(field.pulls),
        folders=sum(1 for row in field.rows if row.entry),
        judged=sum(1 for row in field.rows if row.judged),
        states={
            "audited": states[State.AUDITED],
            "nothing": states[State.NOTHING],
            "crashed": states[State.CRASHED],
            "pending": states[State.PENDING],
        },
        tally=every[0],
        tallies=every,
        axis_calls=AXIS_CALLS,
        charts=drawn,
        patterns=pattern_counts(field),
        smokes=smoke_counts(field),
        executed=any(row.smoke for row in field.rows),
        crashed=_causes(field),
        legend=LEGEND,
        about=field.about,
        labels=labels,
        reviewed=_reviewed(field, kept),
    )
    (out / "assets").mkdir(exist_ok=True)
    specs = {chart.name: chart.spec for chart in drawn}
    (out / "assets" / "charts.js").write_text(script("REFEREE_CHARTS", specs), encoding="utf-8")
    write_page(out, "leaderboard.html", "leaderboard.html.j2", boards=boards(field), shown=ROWS_SHOWN)
    write_page(out, "prs.html", "prs.html.j2")
    clusters = [
        (name, rows, _calls(rows), list(Counter(row.pull.pr for row in rows).items()))
        for name, rows in field.clusters().items()
    ]
    write_page(
        out,
        "clusters.html",
        "clusters.html.j2",
        clusters=clusters,
        members=sum(len(rows) for _, rows, *_ in clusters),
        split=sum(len(calls) > 1 for _, _, calls, _ in clusters),
        shown=_MEMBERS_SHOWN,
    )


def _reviewed(field: Field, kept: Sequence[KeptReview]) -> list[tuple[KeptReview, Pull | None, str]]:
    """Return each kept review with the pull request and the worst call that the sweep has for it."""
    pulls = {pull.pr: pull for pull in field.pulls}
    calls: dict[int, list[str]] = {}
    for row in field.rows:
        calls.setdefault(row.pull.pr, []).append(row.call())
    swept = {pr: min(found, key=CALLS.index) for pr, found in calls.items()}
    return [(review, pulls.get(review.pr), swept.get(review.pr, "")) for review in kept]


def _causes(field: Field) -> list[tuple[str, list[Row]]]:
    """Return what crashed by its cause, the most frequent cause first."""
    found: dict[str, list[Row]] = {}
    for row in field.rows:
        if row.state is State.CRASHED:
            said = row.cause.strip().splitlines() or ["no cause recorded"]
            found.setdefault(said[-1], []).append(row)
    return sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))


def _calls(rows: Iterable[Row]) -> list[tuple[str, int]]:
    counts = Counter(row.call() for row in rows)
    return sorted(counts.items(), key=lambda item: CALLS.index(item[0]))


def write_rules(out: Path, field: Field, labels: Labels, cases: Iterable[Case]) -> None:
    """Write the list of rules and one page each."""
    pages = rule_pages(field, cases, labels)
    axes = dict.fromkeys(page.rule.axis.value for page in pages)
    write_page(
        out,
        "rules.html",
        "rules.html.j2",
        pages=pages,
        judged=sum(1 for row in field.rows if row.judged),
        labels=labels,
        by_axis=[(axis, [page for page in pages if page.rule.axis == axis]) for axis in axes],
    )
    known = {pull.pr for pull in field.pulls}
    for page in pages:
        write_page(
            out,
            f"rule/{page.rule.id}.html",
            "rule.html.j2",
            page=page,
            labels=labels,
            known=known,
            shown=CASES_SHOWN,
        )
