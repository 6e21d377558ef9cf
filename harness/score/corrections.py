"""Contested labels: what we hold to be wrong in a label, with lines and a reason.

Promises that a correction only ever changes the second of two scores: the labels as given are scored too. One
that fits no label (any more) is named, never skipped in silence.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from pydantic import TypeAdapter, ValidationError

from audits.errors import UserError
from harness.score.labels import Axes, GoldLabel, GoldPattern, json_lines, read_bytes, validated

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Correction:
    """One contested label. A row may correct an axis, patterns, or both."""

    pr: int
    folder: str
    reason: str
    lines: str
    """Where the code says otherwise."""
    axis: Literal["legality", "metric", "limits"] | None = None
    was: str = ""
    should_be: str = ""
    patterns_add: tuple[str, ...] = ()
    """Patterns that run and that the label lacks."""
    patterns_remove: tuple[str, ...] = ()
    """Patterns that the label calls reachable and that do not run."""


@dataclass(frozen=True, slots=True)
class Corrected:
    """Labels after the corrections."""

    labels: tuple[GoldLabel, ...]
    applied: int
    stale: tuple[str, ...]
    """Corrections that change nothing, each with the reason."""


def read_corrections(path: Path) -> tuple[Correction, ...]:
    """Return the corrections of one file; lines that begin with `#` explain it."""
    data = b"\n".join(b"" if line.startswith(b"#") else line for line in read_bytes(path).split(b"\n"))
    adapter = TypeAdapter(Correction)
    found = [validated(adapter, row, path, number) for number, row in json_lines(data, path)]
    for item in found:
        if not item.reason.strip() or not item.lines.strip():
            raise UserError(f"{path.name}: the correction of #{item.pr} lacks lines or a reason")
    return tuple(found)


def apply(labels: Sequence[GoldLabel], corrections: Iterable[Correction]) -> Corrected:
    """Return `labels` with every correction that fits."""
    by_place: dict[tuple[int, str], list[int]] = {}
    for index, label in enumerate(labels):
        by_place.setdefault((label.pr, label.folder), []).append(index)
    changed = list(labels)
    stale: list[str] = []
    applied = 0
    for item in corrections:
        places = by_place.get((item.pr, item.folder), [])
        if not places:
            stale.append(f"#{item.pr} {item.folder}: no such label")
        for index in places:
            why_not = _misfit(changed[index], item)
            if why_not:
                stale.append(f"#{item.pr} {item.folder}: {why_not}")
            else:
                changed[index] = _correct(changed[index], item)
                applied += 1
    return Corrected(tuple(changed), applied, tuple(stale))


def reasons_by_subject(corrections: Iterable[Correction]) -> dict[tuple[int, str, str], str]:
    """Return the reason by pull request, folder and subject of the case."""
    found: dict[tuple[int, str, str], str] = {}
    for item in corrections:
        subjects: list[str] = [item.axis] if item.axis else []
        subjects += [f"pattern/{name}" for name in (*item.patterns_add, *item.patterns_remove)]
        found.update(
            {(item.pr, item.folder, subject): f"{item.reason} ({item.lines})" for subject in subjects}
        )
    return found


def _misfit(label: GoldLabel, item: Correction) -> str:
    """Return why a correction does not fit its label, empty when it does."""
    if item.axis and label.axes.on(item.axis) != item.was:
        return f"{item.axis} is labelled {label.axes.on(item.axis)}, not {item.was}"
    reachable = {pattern.name for pattern in label.patterns if pattern.reachable}
    absent = [name for name in item.patterns_remove if name not in reachable]
    present = [name for name in item.patterns_add if name in reachable]
    if absent or present:
        return f"patterns are already so: {', '.join(absent + present)}"
    return "" if item.axis or item.patterns_add or item.patterns_remove else "it corrects nothing"


def _correct(label: GoldLabel, item: Correction) -> GoldLabel:
    axes = label.axes
    if item.axis:
        axes = _axes({"legality": axes.legality, "metric": axes.metric, "limits": axes.limits}, item)
    kept = tuple(pattern for pattern in label.patterns if pattern.name not in item.patterns_remove)
    added = tuple(GoldPattern(name, item.lines, True, item.reason) for name in item.patterns_add)
    return replace(label, axes=axes, patterns=kept + added)


def _axes(known: dict[str, str], item: Correction) -> Axes:
    try:
        return TypeAdapter(Axes).validate_python({**known, str(item.axis): item.should_be})
    except ValidationError as error:
        raise UserError(f"correction of #{item.pr}: {item.axis} cannot be {item.should_be!r}") from error
