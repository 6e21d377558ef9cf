"""Switches that are on by default although the claimed run had them off: three witnesses must agree.

Promises a switch only where the README denies what it switches on wherever it names it, the code has lines to
print of it, and no log of the claimed run holds the word. One witness alone is not believed: a README may
be wrong, and a log may be cut. Only where no command is documented.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from audits.facts.code.configuration import like_default, stem_of
from audits.facts.code.evidence import run_texts
from audits.facts.headline import claimed_runs, scored_line
from audits.facts.settings import ValueOrigin
from audits.launch.arguments import refusal
from audits.launch.cues import objection
from audits.launch.paragraphs import paragraphs
from audits.launch.prose import README, around, text_of
from audits.launch.records import Choice, Variable

if TYPE_CHECKING:
    from audits.facts import Facts
    from audits.facts.settings import Setting
    from audits.submission import Submission

SHORTEST_STEM = 3
_ON = ("1", "true", "on", "yes")


def denied_switches(submission: Submission, facts: Facts | None) -> tuple[list[Variable], list[Choice]]:
    """Return the switches to turn off (#758), each with its reason."""
    if facts is None or submission.run_commands:
        return [], []
    kept: list[Variable] = []
    choices: list[Choice] = []
    bodies = _logged(submission, facts)
    for name, setting in facts.code.settings.by_name if bodies else ():
        line = _denied(submission, facts, bodies, setting)
        value = like_default("0", str(setting.default))
        if not line or refusal(name, value):
            continue
        kept.append(Variable(name, value, "readme", README, line))
        why = (
            "the README denies it and no log of the claimed run has a line of it, though the code prints some"
        )
        choices.append(Choice(f"{name}={value}", f"{why}; the default is {setting.default}", README, line))
    return kept, choices


def _logged(submission: Submission, facts: Facts) -> list[str]:
    """Return what the claimed runs logged; nothing where no log holds a claimed score."""
    runs = claimed_runs(facts.logs, facts.claims)
    scored = (scored_line(log, facts.claims) for log in runs)
    if not any(line is not None and line.claimed for line in scored):
        return []
    return run_texts(submission, runs)


def _denied(submission: Submission, facts: Facts, bodies: list[str], setting: Setting) -> int:
    """Return the line of the README that denies a switch where all three agree, else 0."""
    stem = stem_of(setting.name)
    on = setting.origin is ValueOrigin.DEFAULT and str(setting.default).strip().lower() in _ON
    if not on or len(stem) < SHORTEST_STEM:
        return 0
    word = _word(stem)
    if any(word.search(body) for body in bodies) or word.search(text_of(submission, "submission.json")):
        return 0
    return _denial(text_of(submission, README), stem) if _prints(facts, stem) else 0


def _word(stem: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![a-z]){_spelled(stem)}(?![a-z])", re.IGNORECASE)


def _spelled(stem: str) -> str:
    return r"[ _-]?".join(re.escape(part) for part in stem.split("_") if part)


def _prints(facts: Facts, stem: str) -> bool:
    """Tell whether the code holds a text that a log line of the stem would begin with: `ttt:start`."""
    text = re.compile(rf"[\"'][ \[(=-]{{0,8}}{re.escape(stem)}\w{{0,40}} ?[:=]", re.IGNORECASE)
    return any(text.search(layer.source) for layer in facts.code.layers)


def _denial(readme: str, stem: str) -> int:
    """Return the first line that says `No TTT`, 0 where any line names it otherwise."""
    word = _word(stem)
    end = r"(?=[ *]*(?:[,.;)]|\r?$))"
    denial = re.compile(rf"\b(?:no|without) {_spelled(stem)}{end}", re.IGNORECASE | re.MULTILINE)
    first = 0
    for paragraph in paragraphs(readme):
        for number, line in paragraph.lines:
            if denial.search(line) and not objection(around(paragraph), "0"):
                first = first or number
    named, denied = len(word.findall(readme)), len(denial.findall(readme))
    return first if named == denied else 0
