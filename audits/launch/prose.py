"""Settings of the claimed run that a README names in prose, for submissions that document no command.

Promises only what the code really reads, what every mention agrees on, and what stands in words that speak of
the run that was made. What is left out has its reason. Whether the README tells the truth is not asked here:
a log of the claimed run that says otherwise is believed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audits.facts.code.configuration import is_number, same_form
from audits.facts.code.stated import ASSIGNED, LONGEST_LINE
from audits.facts.settings import ValueOrigin
from audits.launch.arguments import refusal
from audits.launch.cues import objection
from audits.launch.paragraphs import paragraphs
from audits.launch.records import Choice, Variable

if TYPE_CHECKING:
    from audits.facts import Facts
    from audits.facts.settings import Setting, Settings
    from audits.launch.paragraphs import Paragraph
    from audits.submission import Submission

README = "README.md"
_TEXTS = (README, "submission.json")
MAX_TEXT_BYTES = 512 * 1024
MAX_MENTIONS = 500
_HARMLESS = frozenset(("SEED", "RUN_ID"))
"""What differs between the runs of one configuration."""
_CODE = re.compile(r"`[^`]*`")
_ANYWHERE = re.compile(r"(?<![A-Za-z0-9_])([A-Z][A-Z0-9_]{2,60}) ?= ?([\w./:+-]{1,100})")


@dataclass(frozen=True, slots=True)
class _Mention:
    """One code span `NAME=value` outside of fences and tables."""

    name: str
    value: str
    line: int
    around: str
    """Its headings, what introduces its list, and its paragraph, each code span left out for a backtick."""
    group: int
    """Alike for what stands in one paragraph and the list after it."""


@dataclass(frozen=True, slots=True)
class _Stated:
    """One setting that the README gives another value than the code's default."""

    setting: Setting
    mentions: tuple[_Mention, ...]
    values: frozenset[str]
    """Every value that README and submission.json give the name, in tables and fences too."""

    @property
    def first(self) -> _Mention:
        """Return the first mention."""
        return self.mentions[0]


def stated_variables(submission: Submission, facts: Facts | None) -> tuple[list[Variable], list[Choice]]:
    """Return the variables, and for each of them and each that was left out the reason.

    None where any command is documented: settings in prose may then explain another script's.
    """
    if facts is None or submission.run_commands:
        return [], []
    stated = _stated(submission, facts.code.settings)
    doubts = _doubts(stated)
    kept: list[Variable] = []
    choices: list[Choice] = []
    for entry in stated:
        name, value, line = entry.setting.name, entry.first.value, entry.first.line
        why = doubts.get(name) or ("a path" if "/" in value else refusal(name, value))
        if why:
            choices.append(Choice(f"{name} is not set", why, README, line))
            continue
        kept.append(Variable(name, value, "readme", README, line))
        why = f"no command is documented, and the README names it; the default is {entry.setting.default}"
        choices.append(Choice(f"{name}={value}", why, README, line))
    return kept, choices


def _stated(submission: Submission, settings: Settings) -> list[_Stated]:
    """Return the settings whose naming tells anything: the code reads them, and their default is another."""
    by_name: dict[str, list[_Mention]] = {}
    for mention in _mentions(text_of(submission, README)):
        by_name.setdefault(mention.name, []).append(mention)
    values = _values(submission) if by_name else {}
    found = []
    for name, mentions in by_name.items():
        setting = settings.get(name)
        # An origin of default: as the README has it, the code was followed to no score.
        if setting is None or setting.origin is ValueOrigin.DEFAULT:
            continue
        if not _same(mentions[0].value, setting.default):
            found.append(_Stated(setting, tuple(mentions), frozenset(values.get(name, ()))))
    return found


def _mentions(text: str) -> list[_Mention]:
    """Return the mentions in order; none where there are too many to be told apart in time."""
    found: list[_Mention] = []
    for paragraph in paragraphs(text):
        named = [
            (number, match)
            for number, line in paragraph.lines
            for match in ASSIGNED.finditer(line[:LONGEST_LINE])
        ]
        if len(found) + len(named) > MAX_MENTIONS:
            return []
        words = around(paragraph) if named else ""
        found += [_Mention(match[1], match[2], number, words, paragraph.group) for number, match in named]
    return found


def around(paragraph: Paragraph) -> str:
    """Return the words of a paragraph and above it, each code span left out for a backtick."""
    words = " / ".join((*paragraph.above, paragraph.text))
    return _CODE.sub("`", words).replace("*", "")


def _values(submission: Submission) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for path in _TEXTS:
        for match in _ANYWHERE.finditer(text_of(submission, path)):
            found.setdefault(match[1], set()).add(match[2])
    return found


def text_of(submission: Submission, path: str) -> str:
    """Return the beginning of a text of the folder, empty where there is none."""
    file = submission.file(path)
    return file.data[:MAX_TEXT_BYTES].decode("utf-8", "replace") if file is not None else ""


def _doubts(stated: list[_Stated]) -> dict[str, str]:
    """Return the names that are not sure, with the reason.

    What is named together stands or falls together: with one of two switches alone the code may make an
    evaluation that nobody claimed (#1232).
    """
    found = {entry.setting.name: why for entry in stated if (why := _doubt(entry))}
    spoilt: dict[int, str] = {}
    for entry in stated:
        if entry.setting.name in found and entry.setting.name not in _HARMLESS:
            spoilt |= {mention.group: entry.setting.name for mention in entry.mentions}
    for entry in stated:
        beside = next((spoilt[mention.group] for mention in entry.mentions if mention.group in spoilt), "")
        if beside:
            found.setdefault(entry.setting.name, f"it is named beside {beside}, which is not sure")
    return found


def _doubt(entry: _Stated) -> str:
    """Return why one setting is not sure by itself, else an empty string."""
    value, setting = entry.first.value, entry.setting
    if any(not _same(value, other) for other in entry.values):
        return "the README names several values"
    if setting.origin is ValueOrigin.LOG and not _same(value, setting.value):
        return f"the log of the claimed run has {str(setting.value)[:80]}"
    if not same_form(value, setting.default):
        return f"no value of the kind that the default is: {str(setting.default)[:80]}"
    return next((why for mention in entry.mentions if (why := objection(mention.around, value))), "")


def _same(one: str, other: object) -> bool:
    """Tell whether two texts are one value: `1` and `True`, `3` and `3.0`."""
    left, right = _plain(one), _plain(str(other))
    return left == right or (is_number(left) and is_number(right) and float(left) == float(right))


def _plain(text: str) -> str:
    # In prose a full stop or a colon follows a value.
    low = text.strip().rstrip(".:").lower()
    return {"true": "1", "false": "0"}.get(low, low)
