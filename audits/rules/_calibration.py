"""Where calibration statistics are collected, and from what: training shards, validation shards or generated text.

A search over the text. Collectors are known by what they do (hooks and outer products of activations), sources by
the shard patterns or the sampling that the arguments of their calls lead back to, not by any name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from audits.rules._script_text import (
    Function,
    calls,
    enclosing,
    executed,
    functions,
    split_arguments,
    statements,
)
from audits.rules._switches import switched_off

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audits.facts.code import CodeFacts
    from audits.facts.layer import Layer
    from audits.location import Location


class Source(StrEnum):
    """What a calibration is collected on."""

    TRAINING = "training shards"
    VALIDATION = "validation shards"
    GENERATED = "text that the model generates"


@dataclass(frozen=True, slots=True)
class Calibration:
    """One call that collects statistics."""

    place: Location
    collector: str
    source: Source


_HOOK = re.compile(r"register_forward_(?:pre_)?hook\(")
_OUTER = re.compile(r"\.(?:T|mT|t\(\)|transpose\([^)\n]{0,20}\))\s*@|addmm_?\(|baddbmm|einsum\(")
_TRAIN = re.compile(r"[\"'][^\"'\n]*train[^\"'\n]*\*?[^\"'\n]*(?:\.bin|\*|\.npy)[^\"'\n]*[\"']")
_VAL = re.compile(r"[\"'][^\"'\n]*val[^\"'\n]*\*?[^\"'\n]*(?:\.bin|\*|\.npy)[^\"'\n]*[\"']")
_SAMPLED = re.compile(r"multinomial\(")
_CHANCES = re.compile(r"softmax\(|\.exp\(")
_NAME = re.compile(r"[A-Za-z_]\w*")
_REMOVED = re.compile(r"\.remove\(")
_GROWN = re.compile(r"[ \t]*(\w+)\.(?:append|extend)\((.*)")
_ASSIGNED = re.compile(r"[ \t]*(?:self\.)?(\w+)[ \t]*(?::[^=\n]{1,60})?=(?!=)(.*)")
_OPENED = re.compile(r"[ \t]*(?:def|class)[ \t]+(\w+)")
_WIDTH = 600
_NAMES_CAP = 300
_LINES = 200
_BODY_LINES = 60
_CLASS_LINES = 400
_ABOVE = 40


def calibrations(code: CodeFacts) -> tuple[Calibration, ...]:
    """Return the calibrations that the executed code runs and whose source could be told."""
    layers = executed(code)
    if not any(_HOOK.search(layer.source) for layer in layers):
        return ()
    found = {item for layer in layers for item in _of(layer, code)}
    return tuple(sorted(found, key=lambda item: (item.place, item.collector)))


def _of(layer: Layer, code: CodeFacts) -> Iterator[Calibration]:
    lines = [layer.source.count("\n", 0, match.start()) + 1 for match in _HOOK.finditer(layer.source)]
    if not lines:
        return
    found = functions(layer)
    hooked = {item for line in lines for item in found if item.start <= line <= item.end}
    trail = _Trail(layer)
    for name in sorted({item.name for item in hooked if item.end - item.start <= _LINES}):
        places = [
            (caller, line, arguments)
            for line, arguments in calls(layer.source, name)
            if (caller := enclosing(found, line)) is not None and caller.name != name
        ]
        # The hooks may only gather activations: then their caller takes the outer products.
        products = (item for item in (*hooked, *(caller for caller, _, _ in places)))
        if not any(_OUTER.search(item.text) for item in products if item.name == name or item not in hooked):
            continue
        for caller, line, arguments in places:
            if switched_off(code, caller.place(line)):
                continue
            source = trail.nearest(split_arguments(arguments))
            if source:
                yield Calibration(caller.place(line), name, source)
    for item in {inner for line in lines if (inner := enclosing(found, line)) is not None}:
        yield from _in_place(item, lines, trail, code)


def _in_place(function: Function, lines: list[int], trail: _Trail, code: CodeFacts) -> Iterator[Calibration]:
    """Yield the calibration that a long function writes out: from its first hook to where hooks are removed."""
    if function.end - function.start <= _LINES:
        return
    first = min(line for line in lines if function.start <= line <= function.end)
    rows = trail.lines[first - 1 : function.end]
    until = next((number for number, row in enumerate(rows) if _REMOVED.search(row)), 0)
    text = "\n".join(row[:_WIDTH] for row in rows[:until])
    before = "\n".join(trail.lines[max(first - _ABOVE, function.start) : first])
    if not until or not _OUTER.search(before + text) or switched_off(code, function.place(first)):
        return
    source = trail.nearest([text])
    if source:
        yield Calibration(function.place(first), function.name, source)


class _Trail:
    """Follows names back to the patterns or the sampling that their values come from."""

    def __init__(self, layer: Layer) -> None:
        self.lines = layer.source.split("\n")
        self.assigned: dict[str, list[str]] = {}
        self.opened: dict[str, list[int]] = {}
        for number, line in enumerate(self.lines):
            for statement in statements(line) if ";" in line or "class" in line else (line,):
                self._read(number, statement[:_WIDTH])

    def _read(self, number: int, line: str) -> None:
        """Note what one statement defines, assigns or adds to."""
        match = _OPENED.match(line) if "def" in line or "class" in line else None
        if match and "Module" not in line and not match.group(1).startswith("__"):
            self.opened.setdefault(match.group(1), []).append(number)
            return
        match = _ASSIGNED.match(line) if "=" in line else None
        match = match or (_GROWN.match(line) if "append(" in line or "extend(" in line else None)
        if match:
            value = match.group(2)
            if value.rstrip().endswith("("):
                value += " ".join(row[:_WIDTH] for row in self.lines[number + 1 : number + 4])
            self.assigned.setdefault(match.group(1), []).append(value)

    def nearest(self, texts: list[str]) -> Source | None:
        """Return the source that the fewest steps lead to from any of some expressions."""
        queue, seen = list(texts), set[str]()
        source = next((found for text in texts if (found := _told(text))), None)
        while queue and source is None and len(seen) < _NAMES_CAP:
            for word in dict.fromkeys(_NAME.findall(queue.pop(0))):
                if source is None and word not in seen and (word in self.assigned or word in self.opened):
                    seen.add(word)
                    origins = list(self._origins(word))
                    source = next((found for text in origins if (found := _told(text))), None)
                    queue.extend(origins)
        return source

    def _origins(self, word: str) -> Iterator[str]:
        yield from self.assigned.get(word, ())
        for number in self.opened.get(word, ()):
            body = list(self._body(number))
            text = "\n".join(body)
            # A class of settings names both splits: what counts is the attribute that is read from it.
            both = "train" in text and "val" in text and _TRAIN.search(text) and _VAL.search(text)
            if not both:
                yield "\n".join(body[:_BODY_LINES])

    def _body(self, number: int) -> Iterator[str]:
        first = self.lines[number]
        indent = len(first) - len(first.lstrip())
        for line in self.lines[number + 1 : number + _CLASS_LINES]:
            if (
                line.strip()
                and len(line) - len(line.lstrip()) <= indent
                and not line.lstrip().startswith(")")
            ):
                return
            yield line[:_WIDTH]


def _told(text: str) -> Source | None:
    if _SAMPLED.search(text) and _CHANCES.search(text):
        return Source.GENERATED
    train = "train" in text and _TRAIN.search(text)
    val = "val" in text and _VAL.search(text)
    if bool(train) == bool(val):
        return None
    return Source.TRAINING if train else Source.VALIDATION
