"""The blocks of a comment about one folder. Every text of a submission passes through `escape` here.

Promises that a link leads to a file of the judged commit in the repository that the caller named, whatever
the data say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.outcome import Axis, Status
from audits.verdict import AxisCall
from harness.report.escape import code_block, inline_code, markdown
from harness.report.links import file_url, is_plain_url, linked
from harness.report.markdown_block import Block, Rank, details
from harness.report.markdown_tables import runs_table, tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.report.markdown import Options
    from harness.report.view_model import (
        FolderModel,
        GroupModel,
        JudgedModel,
        PlaceModel,
        RulingModel,
        SeenModel,
        StageModel,
    )

ICON = {
    "ILLEGAL": "❌",
    "VIOLATION": "❌",
    "FLAG": "⚠️",
    "UNCLEAR": "❔",
    "NEEDS_AUTHOR_ACTION": "✏️",
    "CLEAN": "✅",
    "NOT_APPLICABLE": "➖",
}
MEANING = {
    "ILLEGAL": "breaks the rules on what may be learned from, and when",
    "VIOLATION": "is over a limit, or its score is not the challenge's score",
    "FLAG": "needs a person to decide a point that the rules leave open",
    "UNCLEAR": "could not be judged in full",
    "NEEDS_AUTHOR_ACTION": "is legal as far as it can be read; the author has to complete or correct it",
    "CLEAN": "is legal, within its limits and consistent with its own claims, as far as reading it can tell",
}
_NOT_JUDGED = {
    Status.UNCLEAR: "Could not be judged",
    Status.CRASHED: "Referee failed on this, not the author",
}
_HOW = {
    False: "Nothing was executed.",
    True: "Its code ran in a locked container without network, at tiny scale on a CPU.",
}


def words(call: str) -> str:
    """Return a call as words."""
    return call.replace("_", " ")


def folder_blocks(folder: FolderModel, options: Options) -> Iterator[Block]:
    """Yield what is said about one folder, footer excluded."""
    yield from _head(folder)
    yield Block(Rank.IMPORTANT, _judged(folder.judged, options))
    for entry in folder.axes:
        weighing = [group for group in folder.groups if group.axis is entry.axis and group.weighs]
        if weighing:
            yield Block(
                Rank.IMPORTANT, f"### {ICON[entry.call]} {entry.axis.capitalize()}: {words(entry.call)}"
            )
            for group in weighing:
                yield from _group(group, folder, options)
    yield from _rulings(folder.rulings, options)
    yield from tables(folder, options)
    yield from _stages(folder.stages)
    yield from _todo(folder)
    yield from _recognised(folder, options)
    if options.appeal:
        yield Block(Rank.ESSENTIAL, _appeal(folder))
    yield from runs_table(folder)
    yield from _notes(folder)


def _head(folder: FolderModel) -> Iterator[Block]:
    """Yield the verdict and the call on every axis."""
    yield Block(Rank.ESSENTIAL, f"## {ICON[folder.verdict]} Referee: {words(folder.verdict)}")
    by = f" Decided by {_named(folder.deciding)}." if folder.deciding else ""
    path = inline_code(folder.judged.path)
    yield Block(Rank.ESSENTIAL, f"{path} {MEANING[folder.verdict]}.{by} {_HOW[folder.executed]}")
    axes = sorted(folder.axes, key=lambda entry: list(Axis).index(entry.axis))
    names = " | ".join(entry.axis.capitalize() for entry in axes)
    calls = " | ".join(f"{ICON[entry.call]} {words(entry.call)}" for entry in axes)
    yield Block(Rank.ESSENTIAL, f"| {names} |\n|{' --- |' * len(axes)}\n| {calls} |")


def _judged(judged: JudgedModel, options: Options) -> str:
    """Return what was read: commit, script and the digest of the folder."""
    at = f" at `{judged.head_sha[:12]}`" if judged.head_sha else ""
    script = "none found"
    if judged.main_script:
        url = file_url(judged, options, judged.main_script)
        blob = f" (blob `{judged.main_script_blob[:12]}`)" if judged.main_script_blob else ""
        script = linked(judged.main_script, url) + blob
    else:
        script += f" ({markdown(judged.main_script_reason, 200)})"
    return f"**Judged:** {judged.files} files{at}, digest `{judged.digest[:16]}`. Main script: {script}."


def _group(group: GroupModel, folder: FolderModel, options: Options) -> Iterator[Block]:
    """Yield one outcome: what, why, and the lines it rests on."""
    sure = f", confidence {group.confidence:.0%}" if group.status is Status.FLAGGED else ""
    crashed = group.status is Status.CRASHED
    reason = (group.reason.splitlines() or [""])[0] if crashed else group.reason
    said = group.title if group.status is Status.FLAGGED else _NOT_JUDGED.get(group.status, group.title)
    text = f"**{markdown(said)}** ({_named(group.rules)}, {group.condition}{sure})"
    text += f"\n{markdown(reason, starts_line=True)}"
    if group.why:
        text += f"\n*{folder.policy} policy:* {markdown(group.why)}"
    if group.source:
        text += f"\n<sub>Rests on: {markdown(group.source, 400)}</sub>"
    yield Block(Rank.IMPORTANT, text)
    if crashed:
        yield Block(Rank.PLACE, code_block(group.reason, "text"))
    for place in group.places:
        yield Block(Rank.PLACE, _place(place, folder.judged, options))
    if group.more:
        yield Block(Rank.PLACE, f"… and {group.more} more places in the JSON report.")


def _named(rules: Sequence[str], limit: int = 4) -> str:
    """Return rule ids as code, the first few by name."""
    shown = ", ".join(inline_code(rule) for rule in rules[:limit])
    return shown if len(rules) <= limit else f"{shown} and {len(rules) - limit} more"


def _place(place: PlaceModel, judged: JudgedModel, options: Options) -> str:
    """Return one place with its quoted lines."""
    message = f" {markdown(place.message)}" if place.message else ""
    if not place.where:
        return f"- {markdown(place.message, starts_line=True)}"
    url = file_url(judged, options, place.path, place.first, place.last)
    head = f"- {linked(place.where, url)}{message}"
    if not place.excerpt or not options.excerpts:
        return head
    first = place.start_line or 1
    width = len(str(first + len(place.excerpt)))
    quoted = "\n".join(f"{number:>{width}}  {line}" for number, line in enumerate(place.excerpt, first))
    quoted += f"\n{'':>{width}}  … {place.hidden} more" if place.hidden else ""
    return head + "\n" + _indent(code_block(quoted, _language(place.path or "")))


def _language(path: str) -> str:
    """Return the language of a fence, from the file's name."""
    suffix = path.rsplit(".", 1)[-1].lower()
    return {"py": "python", "json": "json", "c": "c", "cpp": "cpp", "cu": "cuda"}.get(suffix, "text")


def _indent(block: str) -> str:
    """Indent a block so that it belongs to the list item above it."""
    return "\n".join("  " + line for line in block.split("\n"))


def _rulings(rulings: Sequence[RulingModel], options: Options) -> Iterator[Block]:
    """Yield what maintainers ruled on this pull request."""
    if not rulings:
        return
    yield Block(Rank.IMPORTANT, "### Rulings")
    yield Block(Rank.IMPORTANT, "\n".join(_ruling(ruling, options) for ruling in rulings))


def _ruling(ruling: RulingModel, options: Options) -> str:
    """Return one ruling: who decided what, why, until when."""
    rule, who = inline_code(ruling.rule), markdown(ruling.who, 100)
    own = options.repository and ruling.link.startswith(f"https://github.com/{options.repository}/")
    at = f"[where]({ruling.link})" if own and is_plain_url(ruling.link) else inline_code(ruling.link)
    text = f"ruled {ruling.decision} by {who} on {ruling.date}, until {ruling.expires} ({at}): "
    text += markdown(ruling.why, 500)
    state = text if ruling.applied else f"not applied: {markdown(ruling.note, 300)}. It was {text}"
    said = f" Referee alone said: {markdown(ruling.note, 500)}" if ruling.applied and ruling.note else ""
    return f"- {rule}: {state}{said}"


def _stages(stages: Sequence[StageModel]) -> Iterator[Block]:
    """Yield what each stage found: a line, and its details folded."""
    for stage in stages:
        yield Block(Rank.IMPORTANT, f"### {markdown(stage.name.capitalize())}")
        yield Block(Rank.IMPORTANT, inline_code(stage.line, limit=400))
        if stage.rows:
            rows = [f"| {markdown(name)} | {markdown(value, 600)} |" for name, value in stage.rows]
            yield Block(Rank.EXTRA, details("Details", "\n".join(("| | |", "| --- | --- |", *rows))))


def _todo(folder: FolderModel) -> Iterator[Block]:
    """Yield what the author can do, in order."""
    if folder.advice:
        steps = (f"{number}. {markdown(text, 600)}" for number, text in enumerate(folder.advice, 1))
        yield Block(Rank.ESSENTIAL, "### What the author can do")
        yield Block(Rank.ESSENTIAL, "\n".join(steps))


def _recognised(folder: FolderModel, options: Options) -> Iterator[Block]:
    """Yield the legal patterns and what is switched off."""
    lines = [_seen(entry, folder.judged, options) for entry in (*folder.legal, *folder.dormant)]
    if lines:
        yield Block(Rank.EXTRA, "### Recognised")
        yield Block(Rank.EXTRA, "\n".join(lines))


def _seen(entry: SeenModel, judged: JudgedModel, options: Options) -> str:
    """Return one pattern that weighs nothing."""
    names = ", ".join(inline_code(name) for name in entry.names)
    if entry.reason:
        return f"- {names}: present but switched off. {markdown(entry.reason, 300)}"
    url = file_url(judged, options, entry.path, entry.first, entry.last)
    where = f" at {linked(entry.where, url)}" if entry.where else ""
    return f"- {names}: recognised as legal{where}"


def _appeal(folder: FolderModel) -> str:
    """Return how a verdict is corrected, by whom."""
    rule = next(iter(folder.deciding), "RULE")
    file = f".referee/rulings/PR-{folder.judged.pr or 'N'}.toml"
    command = inline_code(f"referee rules {rule}" if folder.deciding else "referee rules")
    lines = (
        "- **Author:** answer here and name the line that Referee misread, or push a change: every push is "
        "reviewed anew, and this comment follows.",
        f"- **Maintainer:** a ruling in `{file}` on the base branch settles a rule for this pull request "
        f"({inline_code(rule)}, legal or illegal, who, why, link, expiry); its own it cannot bring.",
        f"- **Anybody:** {command} says what a rule looks for and what it is blind to.",
    )
    return details("Is this wrong? How to appeal or correct it", "\n".join(lines))


def _notes(folder: FolderModel) -> Iterator[Block]:
    """Yield everything that weighs nothing but should be known."""
    lines = []
    for entry in sorted(folder.axes, key=lambda entry: list(Axis).index(entry.axis)):
        for group in folder.groups:
            if group.axis is entry.axis and not group.weighs:
                said = f"{markdown(group.reason, 400)} {markdown(group.why)}".rstrip()
                lines.append(f"- {_named(group.rules)}: {said}")
        if entry.clean and entry.call is not AxisCall.NOT_APPLICABLE:
            lines.append(f"- {entry.axis}: {markdown(entry.clean)}")
    lines += [f"- intake: {inline_code(path)}: {markdown(said, 300)}" for path, said in folder.problems]
    lines += [f"- {markdown(note, 500, starts_line=True)}" for note in folder.notes]
    if lines:
        yield Block(Rank.EXTRA, details("Notes", "\n".join(lines)))
