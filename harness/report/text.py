"""Render reviews for a terminal: verdict first, then evidence with the lines it rests on.

Promises that submission text is shown as text: no markup of theirs is interpreted, no control character
passes, no line is longer than the source quoter allows.
"""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

from rich.console import Console
from rich.console import Group as RichGroup
from rich.padding import Padding
from rich.rule import Rule as Ruler
from rich.table import Table
from rich.text import Text

from audits.outcome import Axis, Status
from audits.verdict import AxisCall
from harness.report.comparison import rows_of, runs_of
from harness.report.escape import one_line, visible
from harness.report.record import record_of, sentence_of
from harness.report.sections import (
    PLACES_SHOWN,
    RUNS_SHOWN,
    advice,
    axes_worst_first,
    clean_sentence,
    groups_on,
    named,
    place_of,
    recognised,
    run_cells,
    sleeping,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import TextIO

    from rich.console import RenderableType

    from audits.finding import Finding
    from audits.verdict import AxisVerdict
    from harness.report.record import record_of, sentence_of
    from harness.report.review import Review
from harness.report.sections import Group

_STYLE = {
    "ILLEGAL": "bold white on red",
    "VIOLATION": "bold white on red",
    "FLAG": "bold black on yellow",
    "UNCLEAR": "bold black on yellow",
    "NEEDS_AUTHOR_ACTION": "bold black on cyan",
    "CLEAN": "bold black on green",
    "NOT_APPLICABLE": "dim",
    "violation": "bold red",
    "flag": "bold yellow",
    "unclear": "yellow",
    "crashed": "bold magenta",
    "note": "cyan",
}


def render_text(
    reviews: Sequence[Review], out: TextIO, *, show_source: bool = False, color: bool | None = None
) -> None:
    """Write every review to `out`; colours follow the terminal unless `color` says otherwise."""
    if not out.isatty():
        plain = StringIO()
        _write(reviews, plain, show_source=show_source, color=color)
        out.writelines(line.rstrip() + "\n" for line in plain.getvalue().splitlines())
    else:
        _write(reviews, out, show_source=show_source, color=color)


def _write(reviews: Sequence[Review], out: TextIO, *, show_source: bool, color: bool | None) -> None:
    """Write every review through a console as wide as the terminal, or as a page."""
    width = None if out.isatty() else 110
    console = Console(
        file=out, width=width, no_color=color is False, force_terminal=color, highlight=False, soft_wrap=False
    )
    for index, review in enumerate(reviews):
        if index:
            console.print()
        for part in _parts(review):
            console.print(part)
        if show_source:
            for part in _sources(review):
                console.print(part, soft_wrap=True)
    if len(reviews) > 1:
        console.print()
        console.print(_overview(reviews))


def _parts(review: Review) -> Iterator[RenderableType]:
    """Yield the parts of one review in reading order."""
    yield _title(review)
    yield _axes(review)
    for entry in axes_worst_first(review):
        yield from _axis(review, entry)
    yield from _stages(review)
    yield from _tables(review)
    yield from _lists(review)
    yield _footer(review)


def _title(review: Review) -> RenderableType:
    """Return the verdict with what it is about."""
    submission, verdict = review.submission, review.verdict
    head = Text.assemble(
        (f" {verdict.overall} ", _STYLE[verdict.overall.value]), " ", (one_line(submission.path, 200), "bold")
    )
    if submission.origin.pr is not None:
        head.append(f"  PR #{submission.origin.pr}")
    if submission.origin.head_sha:
        head.append(f" at {submission.origin.head_sha[:12]}", "dim")
    script = submission.main_script or f"no script ({submission.main_script_reason})"
    track = f", track {review.result.facts.track.name}" if review.result.facts else ""
    lines = [head, Text(f"main script {one_line(script, 200)}{track}", "dim")]
    if verdict.deciding:
        lines.append(Text("decided by: " + named(verdict.deciding)))
    return RichGroup(Ruler(style="dim"), *lines)


def _axes(review: Review) -> RenderableType:
    """Return one line with the call on every axis."""
    line = Text()
    for entry in review.verdict.axes:
        line.append(f"{entry.axis} ", "dim")
        line.append(_word(entry.call), _STYLE[entry.call.value])
        line.append("   ")
    return Padding(line, (0, 0, 1, 0))


def _word(call: AxisCall) -> str:
    """Return a call as it is printed in a line of six."""
    return "n/a" if call is AxisCall.NOT_APPLICABLE else call.value


def _axis(review: Review, entry: AxisVerdict) -> Iterator[RenderableType]:
    """Yield the section of one axis; one without anything to show takes a line."""
    groups = groups_on(review, entry.axis)
    if not groups and entry.call is AxisCall.NOT_APPLICABLE:
        return
    head = Text.assemble(
        (f"{entry.axis.capitalize():<9}", "bold"), " ", (_word(entry.call), _STYLE[entry.call.value])
    )
    head.append(f"  {clean_sentence(review, entry.axis)}", "dim")
    yield head
    for group in groups:
        yield Padding(_group(group, review), (0, 0, 0, 2), expand=False)
    if groups:
        yield Text()


def _group(group: Group, review: Review) -> RenderableType:
    """Return one outcome with its reason and its places."""
    outcome = group.outcome
    head = Text.assemble(
        (group.word.upper(), _STYLE[group.word]), f"  {named(group.rules)}", (f"  {outcome.condition}", "dim")
    )
    if outcome.status is Status.FLAGGED:
        head.append(f"  confidence {outcome.confidence:.2f}" if group.weighs else "", "dim")
    parts: list[RenderableType] = [head, Padding(Text(_reason(group)), (0, 0, 0, 2), expand=False)]
    if group.why:
        parts.append(
            Padding(Text(f"{review.policy.name}: {group.why}", "italic"), (0, 0, 0, 2), expand=False)
        )
    parts += [
        Padding(_place(place, group, review), (0, 0, 0, 2), expand=False)
        for place in group.places[:PLACES_SHOWN]
    ]
    if len(group.places) > PLACES_SHOWN:
        parts.append(Text(f"  … and {len(group.places) - PLACES_SHOWN} more places (--format json)", "dim"))
    return RichGroup(*parts)


def _reason(group: Group) -> str:
    """Return why the rule ended so; a traceback keeps its lines."""
    reason = group.outcome.reason
    return visible(reason[-4000:]) if group.outcome.status is Status.CRASHED else one_line(reason)


def _place(place: Finding, group: Group, review: Review) -> RenderableType:
    """Return one place: where, what, and the quoted lines."""
    where = place_of(place, review)
    if not where:
        return Text(one_line(place.message)) if place.message != group.outcome.reason else Text()
    head = Text.assemble((one_line(where, 300), "cyan"))
    if place.message != group.outcome.reason:
        head.append(f"  {one_line(place.message)}")
    return RichGroup(head, *_quoted(place))


def _quoted(place: Finding) -> Iterator[Text]:
    """Yield the quoted lines with their numbers."""
    first = place.start_line or 1
    for number, line in enumerate(place.excerpt, first):
        yield Text.assemble((f"{number:>6} │ ", "dim"), _safe_line(line), overflow="ellipsis", no_wrap=True)
    hidden = (place.end_line or first) - first + 1 - len(place.excerpt)
    if place.excerpt and hidden > 0:
        yield Text(f"       │ … {hidden} more line{'s' if hidden > 1 else ''}", "dim")


def _safe_line(line: str) -> str:
    """Return a source line that is safe to print, with its indentation."""
    return visible(line).replace("\n", " ")


def _stages(review: Review) -> Iterator[RenderableType]:
    """Yield what each stage found, a line a stage and a line a detail."""
    for report in review.stages:
        line = one_line(report.shown.line, 400)
        yield Text.assemble((f"{report.name.capitalize():<9}", "bold"), f" {line}")
        for name, value in report.shown.rows:
            yield Text.assemble((f"  {one_line(name, 40)}  ", "dim"), one_line(value, 600))


def _tables(review: Review) -> Iterator[RenderableType]:
    """Yield the comparison of claims and the table of runs."""
    facts = review.result.facts
    if facts is None:
        return
    rows, runs = rows_of(facts, review.policy), runs_of(facts)
    if rows:
        yield Text()
        table = _table("Claimed, logged, counted", "", "limit", "claimed", "logs state", "counted here")
        for row in rows:
            stated = (_cell(row.claimed, row.claimed_at), _cell(row.logged, row.logged_at))
            table.add_row(Text(row.quantity), Text(row.limit), *stated, Text(one_line(row.measured, 120)))
        yield table
    if runs:
        yield Text()
        table = _table(
            "Runs, as their logs state them", "log", "seed", "val_bpb", "train s", "eval s", "bytes"
        )
        for run in runs[:RUNS_SHOWN]:
            table.add_row(*(Text(one_line(cell, 80)) for cell in run_cells(run)))
        yield table
    statistics = sentence_of(record_of(facts, review.policy))
    if statistics:
        yield Text(statistics)


def _table(title: str, *columns: str) -> Table:
    """Return an empty table with a heading."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for name in columns:
        table.add_column(name, style=None, header_style="dim", overflow="fold")
    return table


def _cell(value: str, place: str) -> Text:
    """Return a value above its place."""
    shown = Text(one_line(value, 80))
    return shown.append(f"\n{one_line(place, 80)}", "dim") if value and place else shown


def _lists(review: Review) -> Iterator[RenderableType]:
    """Yield the legal patterns, what sleeps, the advice and the notes."""
    lines: list[Text] = []
    for ruling in review.rulings:
        said = f"ruled {ruling.decision} by {one_line(ruling.who, 100)} on {ruling.date}"
        said += f": {one_line(ruling.why, 300)}"
        state = said if ruling.applied else f"not applied, {one_line(ruling.note, 200)}: {said}"
        lines.append(Text.assemble(("ruling     ", "dim"), f"{ruling.rule}: {state}"))
    for name, place in recognised(review):
        where = f"  {one_line(place_of(place, review), 200)}" if place else ""
        lines.append(Text.assemble(("recognised ", "dim"), (name, "green"), where))
    for outcome in sleeping(review):
        names = ", ".join(outcome.dormant) or outcome.rule
        lines.append(Text.assemble(("dormant    ", "dim"), f"{names}: {one_line(outcome.reason, 300)}"))
    lines += [Text.assemble(("to do      ", "dim"), sentence) for sentence in advice(review)]
    lines += [
        Text.assemble(("intake     ", "dim"), one_line(f"{p.path}: {p.message}", 300))
        for p in review.submission.problems
    ]
    lines += [Text.assemble(("note       ", "dim"), one_line(note, 500)) for note in review.notes]
    if lines:
        yield Text()
        yield from lines


def _footer(review: Review) -> RenderableType:
    """Return which policy and rulebook judged, and what the others say."""
    others = ", ".join(f"{v.policy} {v.overall}" for v in review.policies if v.policy != review.policy.name)
    text = f"policy {review.policy.name} of {review.policy.edition}; under {others}. "
    text += f"Rulebook {review.rulebook}, {review.result.timings_ms.get('total', 0):.0f} ms."
    return Padding(Text(text, "dim"), (1, 0, 0, 0))


def _sources(review: Review) -> Iterator[RenderableType]:
    """Yield the full text of every unpacked layer that a finding points into."""
    facts = review.result.facts
    wanted = {(f.path, f.layer) for f in review.findings if f.layer}
    for layer in facts.code.layers if facts else ():
        if (layer.path, layer.index) in wanted:
            yield Ruler(
                f"{one_line(layer.path, 200)}, unpacked layer {layer.index}", style="dim", align="left"
            )
            for number, line in enumerate(layer.source.splitlines(), 1):
                yield Text.assemble((f"{number:>6} │ ", "dim"), visible(line))


def _overview(reviews: Sequence[Review]) -> Table:
    """Return one line a review, for runs over several folders."""
    table = _table("summary", "verdict", "folder", *(axis.value for axis in Axis))
    for review in reviews:
        verdict = review.verdict
        calls = (Text(_word(entry.call), "dim") for entry in verdict.axes)
        table.add_row(
            Text(verdict.overall.value, _STYLE[verdict.overall.value]),
            Text(one_line(review.submission.folder, 60)),
            *calls,
        )
    return table
