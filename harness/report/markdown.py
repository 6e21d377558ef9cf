"""Render reviews as a pull request comment: verdict first, then evidence, claims, and what can be done.

Promises at most `LIMIT` characters, cut at a section and saying so; submission text stays text (no mention,
link, HTML, broken table or fence). Works without knowing who will read it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.outcome import Status
from audits.verdict import AxisCall
from harness.report.comparison import rows_of, runs_of
from harness.report.escape import code_block, inline_code, markdown
from harness.report.record import record_of, sentence_of
from harness.report.sections import (
    PLACES_SHOWN,
    RUNS_SHOWN,
    advice,
    axes_worst_first,
    clean_sentence,
    groups_on,
    place_of,
    recognised,
    run_cells,
    sleeping,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from audits.finding import Finding
    from harness.report.record import record_of, sentence_of
    from harness.report.review import Review
from harness.report.sections import Group

LIMIT = 65_536
_CUT = "\n\n---\n*Cut here: a comment holds no more. The JSON report has every finding.*\n"
_ICON = {
    "ILLEGAL": "❌",
    "VIOLATION": "❌",
    "FLAG": "⚠️",
    "UNCLEAR": "❔",
    "NEEDS_AUTHOR_ACTION": "✏️",
    "CLEAN": "✅",
    "NOT_APPLICABLE": "➖",
}
_NOT_JUDGED = {
    Status.UNCLEAR: "Could not be judged",
    Status.CRASHED: "Referee failed on this, not the author",
}
_MEANING = {
    "ILLEGAL": "breaks the rules on what may be learned from, and when",
    "VIOLATION": "is over a limit, or its score is not the challenge's score",
    "FLAG": "needs a person to decide a point that the rules leave open",
    "UNCLEAR": "could not be judged in full",
    "NEEDS_AUTHOR_ACTION": "is legal as far as it can be read; the author has to complete or correct it",
    "CLEAN": "is legal, within its limits and consistent with its own claims, as far as reading it can tell",
}

_HOW = {
    False: "Nothing was executed.",
    True: "Its code ran in a locked container without network, at tiny scale on a CPU.",
}


def render_markdown(reviews: Sequence[Review], limit: int = LIMIT) -> str:
    """Return all reviews as one comment of at most `limit` characters."""
    blocks = [block for review in reviews for block in _blocks(review)]
    return _join(blocks, limit)


def _join(blocks: Sequence[str], limit: int) -> str:
    """Join blocks with blank lines; leave out what does not fit and say so."""
    whole = "\n\n".join(blocks) + "\n"
    if len(whole) <= limit:
        return whole
    kept: list[str] = []
    room = limit - len(_CUT)
    for block in blocks:
        room -= len(block) + 2
        if room < 0:
            break
        kept.append(block)
    return "\n\n".join(kept) + _CUT


def _blocks(review: Review) -> Iterator[str]:
    """Yield the blocks of one review in reading order. A block is never cut in two."""
    yield from _head(review)
    for entry in axes_worst_first(review):
        weighing = [group for group in groups_on(review, entry.axis) if group.weighs]
        if weighing:
            yield f"### {_ICON[entry.call]} {entry.axis.capitalize()}: {_word(entry.call)}"
            for group in weighing:
                yield from _group(group, review)
    yield from _stages(review)
    yield from _tables(review)
    yield from _recognised(review)
    yield from _todo(review)
    yield from _notes(review)
    yield _footer(review)


def _head(review: Review) -> Iterator[str]:
    """Yield the verdict, what it is about and the call on every axis."""
    submission, verdict = review.submission, review.verdict
    yield f"## {_ICON[verdict.overall]} Referee: {_word(verdict.overall)}"
    where = inline_code(submission.path)
    at = f" at `{submission.origin.head_sha[:12]}`" if submission.origin.head_sha else ""
    script = inline_code(submission.main_script) if submission.main_script else "none found"
    by = f" Decided by {_named(verdict.deciding)}." if verdict.deciding else ""
    yield f"{where}{at} {_MEANING[verdict.overall]}.{by} Main script: {script}. {_HOW[review.executed]}"
    names = " | ".join(entry.axis.capitalize() for entry in verdict.axes)
    calls = " | ".join(f"{_ICON[entry.call]} {_word(entry.call)}" for entry in verdict.axes)
    yield f"| {names} |\n|{' --- |' * len(verdict.axes)}\n| {calls} |"


def _group(group: Group, review: Review) -> Iterator[str]:
    """Yield one outcome: what, why, and the lines it rests on."""
    outcome = group.outcome
    sure = f", confidence {outcome.confidence:.0%}" if outcome.status is Status.FLAGGED else ""
    reason = outcome.reason if outcome.status is not Status.CRASHED else outcome.reason.splitlines()[0]
    said = group.title if outcome.status is Status.FLAGGED else _NOT_JUDGED[outcome.status]
    text = f"**{markdown(said)}** ({_named(group.rules)}, {outcome.condition}{sure})"
    text += f"\n{markdown(reason, starts_line=True)}"
    if group.why:
        text += f"\n*{review.policy.name} policy:* {markdown(group.why)}"
    source = group.places[0].source if group.places else ""
    if source:
        text += f"\n<sub>Rests on: {markdown(source, 400)}</sub>"
    yield text
    if outcome.status is Status.CRASHED:
        yield code_block(outcome.reason[-3000:], "text")
    for place in group.places[:PLACES_SHOWN]:
        shown = _place(place, group, review)
        if shown:
            yield shown
    if len(group.places) > PLACES_SHOWN:
        yield f"… and {len(group.places) - PLACES_SHOWN} more places in the JSON report."


def _named(rules: Sequence[str], limit: int = 4) -> str:
    """Return rule ids as code, the first few by name."""
    shown = ", ".join(inline_code(rule) for rule in rules[:limit])
    return shown if len(rules) <= limit else f"{shown} and {len(rules) - limit} more"


def _place(place: Finding, group: Group, review: Review) -> str:
    """Return one place with its quoted lines, or nothing when it only repeats the reason."""
    where = place_of(place, review)
    message = "" if place.message == group.outcome.reason else f" {markdown(place.message)}"
    if not where:
        return f"- {markdown(place.message, starts_line=True)}" if message else ""
    head = f"- {inline_code(where)}{message}"
    if not place.excerpt:
        return head
    first = place.start_line or 1
    width = len(str(first + len(place.excerpt)))
    quoted = "\n".join(f"{number:>{width}}  {line}" for number, line in enumerate(place.excerpt, first))
    hidden = (place.end_line or first) - first + 1 - len(place.excerpt)
    quoted += f"\n{'':>{width}}  … {hidden} more" if hidden > 0 else ""
    return head + "\n" + _indent(code_block(quoted, _language(place)))


def _language(place: Finding) -> str:
    """Return the language of a fence, from the file's name."""
    suffix = (place.path or "").rsplit(".", 1)[-1].lower()
    return {"py": "python", "json": "json", "c": "c", "cpp": "cpp", "cu": "cuda"}.get(suffix, "text")


def _indent(block: str) -> str:
    """Indent a block so that it belongs to the list item above it."""
    return "\n".join("  " + line for line in block.split("\n"))


def _todo(review: Review) -> Iterator[str]:
    """Yield what the author can do."""
    sentences = advice(review)
    if sentences:
        yield "### What the author can do"
        yield "\n".join(f"- {sentence}" for sentence in sentences)


def _tables(review: Review) -> Iterator[str]:
    """Yield the comparison of claims and the runs."""
    facts = review.result.facts
    rows, runs = (rows_of(facts, review.policy), runs_of(facts)) if facts else ((), ())
    if rows:
        yield "### Claims and limits"
        lines = ["| | Limit | Claimed | Logs state | Counted here |", "| --- | --- | --- | --- | --- |"]
        for row in rows:
            claimed, logged = _cell(row.claimed, row.claimed_at), _cell(row.logged, row.logged_at)
            lines.append(
                f"| {row.quantity} | {row.limit} | {claimed} | {logged} | {markdown(row.measured, 120)} |"
            )
        yield "\n".join(lines)
    statistics = sentence_of(record_of(facts, review.policy))
    if statistics:
        yield markdown(statistics, starts_line=True)
    if runs:
        lines = ["| Log | Seed | val_bpb | Training s | Evaluation s | Artifact bytes |", "|" + " --- |" * 6]
        for run in runs[:RUNS_SHOWN]:
            path, *cells = run_cells(run)
            lines.append(f"| {inline_code(path, in_table=True, limit=80)} | {' | '.join(cells)} |")
        if len(runs) > RUNS_SHOWN:
            lines.append(f"| … {len(runs) - RUNS_SHOWN} more | | | | | |")
        yield _details("Runs, as their logs state them", "\n".join(lines))


def _cell(value: str, place: str) -> str:
    """Return a value with the place it was read from."""
    if not value:
        return ""
    shown = markdown(value, 80)
    return f"{shown} ({inline_code(place, in_table=True, limit=80)})" if place else shown


def _stages(review: Review) -> Iterator[str]:
    """Yield what each stage found: a line, and its details folded."""
    for report in review.stages:
        yield f"### {report.name.capitalize()}"
        yield f"{inline_code(report.shown.line, limit=400)}"
        if report.shown.rows:
            rows = [f"| {markdown(name)} | {markdown(value, 600)} |" for name, value in report.shown.rows]
            yield _details("Details", "\n".join(("| | |", "| --- | --- |", *rows)))


def _recognised(review: Review) -> Iterator[str]:
    """Yield the legal patterns and what is switched off."""
    lines = []
    for name, place in recognised(review):
        where = f" at {inline_code(place_of(place, review))}" if place and place.path else ""
        lines.append(f"- {inline_code(name)}: recognised as legal{where}")
    for outcome in sleeping(review):
        names = ", ".join(inline_code(name) for name in outcome.dormant) or inline_code(outcome.rule)
        lines.append(f"- {names}: present but switched off. {markdown(outcome.reason, 300)}")
    if lines:
        yield "### Recognised"
        yield "\n".join(lines)


def _notes(review: Review) -> Iterator[str]:
    """Yield everything that weighs nothing but should be known."""
    lines = []
    for entry in review.verdict.axes:
        for group in groups_on(review, entry.axis):
            if not group.weighs:
                said = f"{markdown(group.outcome.reason, 400)} {markdown(group.why)}".rstrip()
                lines.append(f"- {inline_code(group.outcome.rule)}: {said}")
        sentence = clean_sentence(review, entry.axis)
        if sentence and entry.call is not AxisCall.NOT_APPLICABLE:
            lines.append(f"- {entry.axis}: {sentence}")
    lines += [
        f"- intake: {inline_code(p.path)}: {markdown(p.message, 300)}"
        for p in review.submission.problems[:20]
    ]
    lines += [f"- {markdown(note, 500, starts_line=True)}" for note in review.notes[:20]]
    if lines:
        yield _details("Notes", "\n".join(lines))


def _details(summary: str, body: str) -> str:
    """Return a folded section."""
    return f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>"


def _footer(review: Review) -> str:
    """Return who judged, by which rules, and what other readings say."""
    others = ", ".join(f"{v.policy}: {_word(v.overall)}" for v in review.policies)
    policy = f"{review.policy.name} of {review.policy.edition}"
    return (
        f"<sub>Policy {policy} ({others}). Rulebook {review.rulebook}. A static reading, not a ruling.</sub>"
    )


def _word(call: str) -> str:
    """Return a call as words."""
    return call.replace("_", " ")
