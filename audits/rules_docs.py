"""The rulebook as text: `RULES.md`, the list of rules, one rule in full. Generated, never written by hand."""

from __future__ import annotations

import difflib
import re
import textwrap
from typing import TYPE_CHECKING

from audits.outcome import Axis

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from audits.rule import Example, Rule

_PARAGRAPHS = ("Why", "Looks for", "Blind to", "Ruling")
DIFFERENCE_LINES = 60
_HEAD = re.compile(rf"^({'|'.join(_PARAGRAPHS)}):\s*", re.MULTILINE)
_INTRODUCTION = """\
# The rulebook

Generated from the rules themselves by `make rules-docs`; edit the rule, not this file.

A rule ends *flagged*, *clean*, *dormant* (present, but switched off in the claimed run), *not applicable*,
*unclear* or *crashed*. No finding is not a pass: *clean* states that the rule saw the code it judges. What a
flagged outcome weighs is the policy's to say (`audits/policies/`); disputed readings are explained under
`audits/rulings/`.
"""


def paragraphs(rule: Rule) -> dict[str, str]:
    """Return the documentation of a rule by paragraph; the offence stands under an empty name."""
    text = textwrap.dedent("    " + (type(rule).__doc__ or "").strip())
    parts = _HEAD.split(text)
    found = {"": _flat(parts[0])}
    found.update({name: _flat(body) for name, body in zip(parts[1::2], parts[2::2], strict=True)})
    return found


def render_list(rules: Sequence[Rule]) -> str:
    """Return one line a rule, by axis."""
    width = max((len(rule.id) for rule in rules), default=0)
    lines: list[str] = []
    for axis, members in _by_axis(rules):
        lines += ["", axis.value] if lines else [axis.value]
        lines += [f"  {rule.id:<{width}}  {rule.condition:<8}  {paragraphs(rule)['']}" for rule in members]
    return "\n".join(lines) + "\n"


def render_rule(rule: Rule) -> str:
    """Return one rule in full, as plain text."""
    said = paragraphs(rule)
    lines = [
        rule.id,
        f"  {said['']}",
        "",
        f"  axis {rule.axis}, condition {rule.condition}, severity {rule.severity}",
    ]
    for name in _PARAGRAPHS:
        if name in said:
            lines += [
                "",
                *textwrap.wrap(f"{name}: {said[name]}", 96, initial_indent="  ", subsequent_indent="    "),
            ]
    if rule.sources:
        lines += ["", "  Sources"]
        lines += [f"    {entry.what}, {entry.who}, {entry.date}: {entry.says}" for entry in rule.sources]
    lines += ["", "  Examples", *(f"    {kind}: {caption}" for kind, caption in _captions(rule))]
    if difference := _difference(rule):
        lines += [
            "",
            "  From the first clean example to the first flagged one",
            textwrap.indent(difference, "    "),
        ]
    return "\n".join(lines).rstrip() + "\n"


def render_rulebook(rules: Sequence[Rule]) -> str:
    """Return RULES.md."""
    blocks = [_INTRODUCTION]
    for axis, members in _by_axis(rules):
        blocks.append(f"## {axis.value.capitalize()}\n")
        blocks += [_chapter(rule) for rule in members]
    return "\n".join(blocks).rstrip() + "\n"


def _chapter(rule: Rule) -> str:
    """Return one rule as markdown, with its first example of either kind."""
    said = paragraphs(rule)
    pattern = f", pattern `{rule.pattern}`" if rule.pattern else ""
    lines = [
        f"### `{rule.id}`\n",
        f"{said['']}\n",
        f"Condition {rule.condition}, severity {rule.severity}{pattern}.\n",
    ]
    lines += [f"**{name}:** {said[name]}\n" for name in _PARAGRAPHS if name in said]
    if rule.sources:
        lines.append("**Sources:**\n")
        lines += [f"- {entry.what}, {entry.who}, {entry.date}: {entry.says}" for entry in rule.sources]
        lines.append("")
    lines += ["**Examples:**\n", *(f"- {kind}: {caption}" for kind, caption in _captions(rule)), ""]
    if difference := _difference(rule):
        lines.append(_folded("From the first clean example to the first flagged one", difference))
    return "\n".join(lines)


def _folded(summary: str, body: str) -> str:
    """Return a difference as a folded block that it cannot break out of."""
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", body)), 3)
    return f"<details><summary>{summary}</summary>\n\n{fence}diff\n{body}\n{fence}\n\n</details>\n"


def _captions(rule: Rule) -> Iterator[tuple[str, str]]:
    """Yield every example of a rule by the way it ends."""
    for kind, examples in (("flagged", rule.flagged), ("unclear", rule.unclear), ("clean", rule.clean)):
        yield from ((kind, _caption(example)) for example in examples)


def _difference(rule: Rule) -> str:
    """Return what turns the first clean example into the first one that is objected to."""
    offending = (*rule.flagged, *rule.unclear)
    if not offending or not rule.clean:
        return ""
    near, offence = _code(rule.clean[0]).splitlines(), _code(offending[0]).splitlines()
    changed = [line.rstrip() for line in difflib.unified_diff(near, offence, n=2, lineterm="")][2:]
    cut = [f"... {len(changed) - DIFFERENCE_LINES} more lines"] if len(changed) > DIFFERENCE_LINES else []
    return "\n".join([*changed[:DIFFERENCE_LINES], *cut])


def _caption(example: Example) -> str:
    """Return an example's title with who taught it."""
    return f"{example.title} (taught by {example.taught_by})" if example.taught_by else example.title


def _code(example: Example) -> str:
    """Return the code of an example, with its further files behind headings."""
    parts = [textwrap.dedent(example.code).strip("\n")]
    parts += [f"# ---- {path}\n{textwrap.dedent(text).strip()}" for path, text in example.files]
    return "\n".join(part for part in parts if part)


def _by_axis(rules: Sequence[Rule]) -> Iterator[tuple[Axis, list[Rule]]]:
    """Yield the axes that have rules, with them."""
    for axis in Axis:
        members = [rule for rule in rules if rule.axis is axis]
        if members:
            yield axis, members


def _flat(text: str) -> str:
    """Return a paragraph on one line."""
    return " ".join(text.split())
