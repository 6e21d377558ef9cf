"""What the logs of the claimed run tell about switches: which branches it took, and how it was set.

A log line that the code builds only where a switch is on says that it was on; a line that prints a switch
says how it was set. Both are read off a reading with all switches open. Only logs the claim rests on count.
"""

from __future__ import annotations

import re

from audits.facts.code.configuration import Configuration, normal, usable
from audits.facts.code.labels import bit_numbers
from audits.facts.code.reading import Reading
from audits.facts.logs import LogFacts
from audits.facts.settings import Setting, ValueOrigin
from audits.submission import Submission

SHORTEST = 8
"""Characters a text needs to be recognised in a log."""
LOGS_CAP = 8
_TOKEN = re.compile(r"[^\s,;|)\]}{]{1,40}")
_OFF = ("0", "0.0", "false", "", "none", "off", "no")


def run_texts(submission: Submission, logs: tuple[LogFacts, ...]) -> list[str]:
    """Return what the runs logged, without the scripts they may have printed first."""
    found = []
    for log in logs[:LOGS_CAP]:
        entry = submission.file(log.path)
        if entry is None:
            continue
        lines = entry.data.decode("utf-8", "replace").split("\n")
        first = log.source_dump.end_line if log.source_dump is not None else log.first_line - 1
        found.append("\n" + "\n".join(lines[max(first, 0) : max(log.last_line, first)]) + "\n")
    return found


def only_with_switches(bodies: list[str], opened: Reading, claimed: Reading) -> list[str]:
    """Return how texts begin that the logs hold although the claimed configuration never builds them."""
    shown = claimed.machine.trace.texts
    return [
        text
        for text in opened.machine.trace.texts
        if len(text) >= SHORTEST and text not in shown and any(holds(body, text) for body in bodies)
    ]


def holds(body: str, text: str) -> bool:
    """Return whether a log holds a text, as the beginning of a line or as a later part of one."""
    if "\n" + text in body:
        return True
    return text[0] == " " and text.strip() != "" and text in body


def confirmed_switches(bodies: list[str], opened: Reading, claimed: Reading) -> int:
    """Return the switches under which the claimed reading builds a text that the logs hold."""
    shown, found = claimed.machine.trace.texts, 0
    for text, under in opened.machine.trace.texts.items():
        if under & ~found and len(text) >= SHORTEST and text in shown:
            found |= under if any(holds(body, text) for body in bodies) else 0
    return found


def told_switches(
    bodies: list[str], opened: Reading, claimed: Reading, configuration: Configuration, printed: list[str]
) -> dict[str, str]:
    """Return the values of switches that the logs tell and that the claimed configuration does not have."""
    stated = stated_values(bodies, opened.machine.trace.stated)
    labels, texts = opened.labels, opened.machine.trace.texts
    told: dict[str, str] = {}
    settled = confirmed_switches(bodies, opened, claimed) if printed else 0
    for bit in bit_numbers(labels.knobs):
        name, _, choice = labels.knob_info[bit].partition("=")
        setting = configuration.settings.get(name)
        value = stated.get(name)
        if choice:
            unset = setting is not None and setting.origin is ValueOrigin.DEFAULT
            if not unset or value is not None or setting is None or str(setting.value) == choice:
                settled |= 1 << bit
            continue
        if setting is None or setting.origin is not ValueOrigin.DEFAULT or value is not None:
            settled |= 1 << bit
        if value is not None and setting is not None and is_off(value) != is_off(setting.value):
            if setting.origin is ValueOrigin.DEFAULT:
                told[name] = value
        elif setting is not None and not is_off(setting.value):
            settled |= 1 << bit
    under = [texts[text] for text in printed]
    while True:
        # Of several switches that enclose a line, one is told only where the others are known.
        left = [mask & ~settled for mask in under if (mask & ~settled).bit_count() == 1]
        if not left:
            return told
        settled |= left[0]
        name, _, choice = labels.knob_info[left[0].bit_length() - 1].partition("=")
        told.setdefault(name, choice or "1")


def open_pair(
    opened: Reading, configuration: Configuration, printed: list[str], told: dict[str, str]
) -> tuple[tuple[str, str], list[str]] | None:
    """Return two switches that are off and together enclose what a log holds, with the texts; None without.

    Which of the two must be on, a reading with all switches open cannot tell (#1232).
    """
    for text in printed:
        names = _enclosing(opened, text)
        settings = {name: configuration.settings.get(name) for name in names if name not in told}
        left = [name for name, setting in settings.items() if setting is not None and _waits(setting)]
        if len(left) == 2:
            pair = left[0], left[1]
            return pair, [other for other in printed if set(pair) <= set(_enclosing(opened, other))]
    return None


def _waits(setting: Setting) -> bool:
    """Tell whether a switch is off and nobody set it; a number (`EVAL_SEQ_LEN`, 0) is no switch (#326)."""
    unset = setting.origin is ValueOrigin.DEFAULT and is_off(setting.value)
    return unset and isinstance(setting.default, str | bool)


def _enclosing(opened: Reading, text: str) -> list[str]:
    mask = opened.machine.trace.texts[text]
    return [opened.labels.knob_info[bit].partition("=")[0] for bit in bit_numbers(mask)]


def stated_values(bodies: list[str], stated: dict[str, str]) -> dict[str, str]:
    """Return how switches were set where all logs that print them agree."""
    found: dict[str, set[str]] = {}
    for before, name in stated.items():
        if len(before.strip()) < SHORTEST - 1 or before.rstrip()[-1] not in "=:":
            continue
        for body in bodies:
            for part in body.split(before, 9)[1:9]:
                match = _TOKEN.match(part)
                if match is not None and usable(match.group()):
                    found.setdefault(name, set()).add(normal(match.group()))
    return {name: values.pop() for name, values in found.items() if len(values) == 1}


def is_off(value: object) -> bool:
    """Return whether a setting turns off what depends on it."""
    return str(value).strip().lower() in _OFF
