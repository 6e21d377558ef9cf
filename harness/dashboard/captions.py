"""The sentence under each chart: it carries what the picture shows, with the link to the rows behind it."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from harness.dashboard.field import pattern_counts
from harness.dashboard.links import table

if TYPE_CHECKING:
    from harness.dashboard.field import Field


def scores_caption(field: Field, shown: tuple[float, float]) -> tuple[str, str]:
    """Return sentence and link for claimed scores over time."""
    link = table(sort="claimed")
    stated = [
        (value, row) for row in field.rows if (value := getattr(row.summary, "claimed_bpb", None) or 0) > 0
    ]
    if not stated:
        return "No audited folder states a score.", link
    best, at = min(stated, key=lambda pair: pair[0])
    clean = [value for value, row in stated if row.call() == "CLEAN"]
    outside = sum(not shown[0] <= value <= shown[1] for value, _ in stated)
    text = (
        f"{len(stated):,} folders claim a score, median {median(value for value, _ in stated):.4f};"
        f" the lowest claim is {best:.4f} (#{at.pull.pr}, {at.call().replace('_', ' ')})"
    )
    text += f", the lowest among CLEAN folders {min(clean):.4f}." if clean else "; none of them is CLEAN."
    if outside:
        text += f" {outside:,} claims beyond {shown[0]:g} to {shown[1]:g} are drawn at the edge."
    return text, link


def patterns_caption(field: Field, shown: int) -> tuple[str, str]:
    """Return sentence and link for patterns by week."""
    counts = pattern_counts(field)
    if not counts:
        return "No pattern was recognised.", table()
    top = ", ".join(f"{name} ({count:,})" for name, count in counts[:5])
    text = (
        "Folders that reach a pattern, by week of the head commit; legal patterns are counted too."
        f" Most frequent: {top}."
    )
    if len(counts) > shown:
        text += f" {shown} of {len(counts)} patterns are drawn."
    return text, table(sort="date")


def cap_caption(field: Field, column: str, cap: float | None, unit: str) -> tuple[str, str]:
    """Return sentence and link for one quantity against its cap."""
    figure = f"{column}_{unit}"
    record = {track.name for track in field.challenge.tracks if track.record}
    values = [(value, row) for row in field.rows if (value := getattr(row.summary, figure, None)) is not None]
    link = table(sort=f"-{column}")
    if not values or cap is None:
        return f"No audited folder states its {unit} here.", link
    mine = [value for value, row in values if row.entry and row.entry.track in record]
    over = sum(value > cap for value in mine)
    step = " (the training clock may overrun by one step)" if column == "train" else ""
    text = (
        f"{len(values):,} folders state it, {len(mine):,} of them in the record track, where the cap is"
        f" {cap:,.0f} {unit}; {over:,} of those state more{step}. What is far outside is drawn at the edge."
    )
    return text, link


def bytes_caption(field: Field, shown: tuple[float, float]) -> tuple[str, str]:
    """Return sentence and link for the bytes that scores imply."""
    link = table(sort="implied")
    values = [
        row.summary.implied_bytes
        for row in field.rows
        if row.summary and row.summary.implied_bytes is not None and row.summary.val_tokens
    ]
    if not values:
        return "No log states loss, score and tokens together.", link
    known = [constant.bytes_total for constant in field.challenge.byte_constants]
    tolerance = field.challenge.byte_tolerance
    near = sum(any(abs(value / total - 1) <= tolerance for total in known) for value in values)
    outside = sum(not shown[0] <= value <= shown[1] for value in values)
    text = (
        "val_tokens, val_loss and val_bpb of one log line imply how many bytes were scored."
        f" {len(values):,} folders state all three; {near:,} lie on a known constant within {tolerance:.2%},"
        f" {len(values) - near:,} do not."
    )
    if outside:
        text += f" {outside:,} beyond the axis are drawn at the edge."
    return text, link
