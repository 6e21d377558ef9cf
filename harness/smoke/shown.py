"""What a report says of a smoke run: the community's line, and details as name and value.

Plain text; whoever renders it escapes it. Numbers at tiny scale are never shown beside claimed scores.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from containers.smoke_result import Label, StageName, summary
from harness.stages import Shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from containers.smoke_result import Figures, SmokeError, SmokeResult


def shown_of(result: SmokeResult) -> Shown:
    """Return the result as reports show it."""
    return Shown(summary(result), tuple(_rows(result)))


def _rows(result: SmokeResult) -> Iterator[tuple[str, str]]:
    yield "label", f"{result.label}: {result.reason}"
    if result.hint:
        yield "hint", result.hint
    if result.error is not None and result.label is not Label.PASS:
        yield "error", error_text(result.error)
    if result.stages:
        yield "stages", ", ".join(_stage(result))
    yield from _figures(result.figures)
    if result.shims:
        yield "stand-ins used", ", ".join(entry.name for entry in result.shims)
    if result.gaps:
        yield "stand-ins missing", ", ".join(entry.name for entry in result.gaps)
    if result.attempts:
        yield "tried", "; ".join(f"{entry.kind} {entry.detail}".strip() for entry in result.attempts[:8])
    absent = [entry.package for entry in result.missing if not entry.guarded]
    if absent:
        yield "not in the image", ", ".join(absent)
    if result.seconds.total:
        seconds = result.seconds
        yield "seconds", f"{seconds.run:.1f} in the box, {seconds.overhead:.1f} around it"
    if result.image.engine:
        yield "box", " ".join(_box(result))


def error_text(error: SmokeError) -> str:
    """Return an error with the submission's own line."""
    where = f"{error.path}:{error.line}" if error.path and error.line else error.path
    text = f"{error.kind}: {error.message}"
    return text + (f" at {where}" if where else "") + (f": {error.text}" if error.text else "")


def _stage(result: SmokeResult) -> Iterator[str]:
    for end in result.stages:
        spent = f" {end.seconds:.1f} s" if end.seconds is not None else ""
        spent += f" ({end.cpu_seconds:.1f} s of a processor)" if end.cpu_seconds is not None else ""
        note = f" ({end.note})" if end.note else ""
        yield f"{end.stage} {end.status}{spent}{note}"


def _figures(figures: Figures) -> Iterator[tuple[str, str]]:
    if figures.parameters is not None:
        yield "parameters", f"{figures.parameters:,}" + (" (shrunk to fit)" if figures.shrunk else "")
    if figures.causal is not None:
        yield "causal", "yes" if figures.causal else "NO: a later token changed an earlier logit"
    if figures.artifact_bytes is not None:
        full = figures.artifact_bytes_full
        estimate = f", about {full:,} bytes at full size" if full else ""
        yield "artifact", f"{figures.artifact_bytes:,} bytes at tiny scale{estimate}"
    if figures.val_bpb is not None or figures.val_loss is not None:
        numbers = (("val_loss", figures.val_loss), ("val_bpb", figures.val_bpb))
        told = ", ".join(f"{name} {value:.4f}" for name, value in numbers if value is not None)
        yield "last evaluation", f"{told}, after a few steps on tiny data: no score"
    if figures.peak_memory_bytes is not None:
        yield "peak memory", f"{figures.peak_memory_bytes / 2**20:.0f} MiB"


def _box(result: SmokeResult) -> Iterator[str]:
    image = result.image
    yield f"{image.engine} {image.engine_version}".strip()
    if image.runtime:
        yield f"({image.runtime})"
    if image.digest:
        yield f"image {image.digest.removeprefix('sha256:')[:12]}"
    if image.missing_isolation:
        yield f"without: {', '.join(image.missing_isolation)}"


def reached_text(stage: StageName) -> str:
    """Return how far a run came, in a word for tables."""
    return "" if stage is StageName.NONE else stage.value
