"""Which settings stand before a line: the switches that keep a dormant pattern asleep.

A search over the text of the script, upwards through the conditions that enclose a line and then through the
calls of its function. It serves the wording of a report and decides nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from audits.location import Location

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audits.facts.code import CodeFacts
    from audits.facts.layer import Layer
    from audits.facts.settings import Setting

_NAME = re.compile(r"[A-Za-z_]\w*")
_CONDITION = re.compile(r"\s*(?:if|elif|while)\b")
_FUNCTION = re.compile(r"\s*(?:async\s+)?def\s+(\w+)")
_CALLS_CAP = 6
_DEPTH_CAP = 3
_NAMES_CAP = 40
_WIDTH = 400


def switches_before(code: CodeFacts, location: Location, function: str) -> tuple[str, ...]:
    """Return the settings that a line depends on, as `NAME=value`, nearest first."""
    layer = next(
        (item for item in code.layers if (item.path, item.index) == (location.path, location.layer)), None
    )
    if layer is None:
        return ()
    lines = layer.source.splitlines()
    known = _by_identifier(code, lines, location)
    found: dict[str, None] = {}
    for condition in _conditions(lines, location.start_line, function, 0):
        for name in _NAME.findall(condition):
            setting = known.get(name)
            if setting is not None and len(found) < 2:
                found[f"{setting.name}={setting.value}"] = None
    return tuple(found)


def _by_identifier(code: CodeFacts, lines: list[str], location: Location) -> dict[str, Setting]:
    """Return the switches by the names that the script gives them."""
    found: dict[str, Setting] = {}
    for _, setting in code.settings.by_name:
        place = setting.location
        same = (place.path, place.layer) == (location.path, location.layer)
        if not same or place.start_line > len(lines) or not _is_switch(setting):
            continue
        name = _NAME.search(lines[place.start_line - 1])
        if name is not None:
            found[name.group()] = setting
    return found


def _is_switch(setting: Setting) -> bool:
    return str(setting.value).strip().lower() in (
        "0",
        "1",
        "true",
        "false",
        "",
        "none",
        "no",
        "yes",
        "off",
        "on",
    )


def _conditions(lines: list[str], number: int, function: str, depth: int) -> Iterator[str]:
    """Yield the conditions that enclose a line, then those around the calls of its function."""
    indent = _indent(lines[number - 1]) if 0 < number <= len(lines) else 0
    for line in reversed(lines[: max(number - 1, 0)]):
        if _passed_over(line) or _indent(line) >= indent:
            continue
        indent = _indent(line)
        if _CONDITION.match(line):
            yield line
        entered = _FUNCTION.match(line)
        if entered:
            function = entered.group(1)
        if indent == 0:
            break
    if depth >= _DEPTH_CAP or not function.isidentifier():
        return
    called = re.compile(rf"(?<!def )\b{function}\(")
    places = [place for place, line in enumerate(lines, 1) if function in line and called.search(line)]
    for place in places[:_CALLS_CAP]:
        yield from _conditions(lines, place, "", depth + 1)


def _passed_over(line: str) -> bool:
    """Return True for empty lines and for the end of a header that spans several."""
    return not line.strip() or line.lstrip().startswith((")", "]", "}"))


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def unset_source(code: CodeFacts, layer: Layer, name: str) -> str | None:
    """Return the empty setting, as `NAME=`, that a name's value is loaded from, or None.

    Follows assignments of the name and of what it is made of, and the bodies of local functions called there.
    """
    lines = layer.source.splitlines()
    known = {
        identifier: setting
        for identifier, setting in _by_identifier(
            code, lines, Location(layer.path, 1, 1, layer.index)
        ).items()
        if str(setting.value).strip() == ""
    }
    seen, queue = {name}, [name]
    while queue and len(seen) < _NAMES_CAP:
        wanted = queue.pop(0)
        for text in _origins(lines, wanted):
            words = dict.fromkeys(_NAME.findall(text))
            for word in words:
                if word in known:
                    return f"{known[word].name}="
            fresh = [word for word in words if word not in seen and len(word) > 1]
            seen.update(fresh)
            queue.extend(fresh)
    return None


def _origins(lines: list[str], name: str) -> Iterator[str]:
    """Yield the right-hand sides of the assignments of a name, and the start of a function of that name."""
    assigned = re.compile(rf"\s*{re.escape(name)}\s*(?::[^=\n]{{1,60}})?=(?!=)(.*)")
    defined = re.compile(rf"\s*def\s+{re.escape(name)}\(")
    for number, line in enumerate(lines):
        if name not in line:
            continue
        match = assigned.match(line[:_WIDTH])
        if match:
            yield match.group(1)
        elif defined.match(line[:_WIDTH]):
            yield " ".join(row[:_WIDTH] for row in lines[number : number + 10])


_OR_NONE = re.compile(r"\bif\s+(?:\w+\.)?(\w+)\s*(?:>\s*0)?\s+else\s+None")
_OFF = ("0", "false", "", "none", "off", "0.0")
_GUARD = re.compile(r"\s*(?:if|elif)\s+(?:\w+\.)?(\w+)\s*(?:>\s*0(?:\.0)?)?\s*(?:and\b.*)?:")


def switched_off(code: CodeFacts, location: Location) -> str | None:
    """Return the setting, as `NAME=value`, that keeps a line or the block around it from running, or None."""
    layer = next(
        (item for item in code.layers if (item.path, item.index) == (location.path, location.layer)), None
    )
    if layer is None:
        return None
    lines = layer.source.splitlines()
    known = _by_identifier(code, lines, location)
    here = lines[location.start_line - 1] if location.start_line <= len(lines) else ""
    choice = _OR_NONE.search(here[:500])
    setting = known.get(choice.group(1)) if choice else None
    if setting is not None and str(setting.value).strip().lower() in _OFF:
        return f"{setting.name}={setting.value}"
    indent = _indent(here)
    for line in reversed(lines[: location.start_line - 1]):
        if _passed_over(line) or _indent(line) >= indent:
            continue
        indent = _indent(line)
        guard = _GUARD.match(line[:500])
        setting = known.get(guard.group(1)) if guard else None
        if setting is not None and str(setting.value).strip().lower() in _OFF:
            return f"{setting.name}={setting.value}"
        if indent == 0:
            return None
    return None
