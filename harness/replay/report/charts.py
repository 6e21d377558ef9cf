"""The charts of a replay as SVG: phases against caps, loss and pace, and the GPUs over time.

Drawn by Vega-Altair where the `site` extra is installed; without it a report has its tables and no charts.
Every chart has a sentence that says what it shows, for those who do not see it.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from harness.replay.events import Seen, read_events
from harness.replay.recording import EVENTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.replay.measurement import Measurement, SeedMeasurement
    from harness.replay.phases import Span
    from harness.replay.plan import Plan
    from harness.rundir import ReplayDir

WIDTH: Final = 760
MAX_POINTS: Final = 2000
_LOSS: Final = re.compile(r"\btrain_loss[:=]\s*(\d{1,6}\.\d{1,12})")


@dataclass(frozen=True, slots=True)
class Figure:
    """One chart."""

    title: str
    caption: str
    svg: str


def figures(directory: ReplayDir, plan: Plan, measurement: Measurement) -> tuple[Figure, ...]:
    """Return the charts that the records allow; none where they cannot be drawn."""
    try:
        import altair  # noqa: F401
        import vl_convert  # noqa: F401
    except ImportError:
        return ()
    points = [row for run in measurement.seeds for row in _losses(directory, run)]
    found = [_phase_chart(plan, measurement)] if measurement.seeds else []
    if points:
        found.append(_loss_chart(points))
        found.append(_pace_chart(points))
    return (*found, *_telemetry(directory, measurement))


def _phase_chart(plan: Plan, measurement: Measurement) -> Figure:
    """Return a bar a seed, cut into phases; what lies in a boundary that was not seen is called either."""
    import altair as alt

    rows = [
        {"seed": str(run.seed), "phase": name, "from": start, "to": end}
        for run in measurement.seeds
        for name, start, end in phase_parts(run.spans)
    ]
    bars = alt.Chart(_data(rows)).mark_bar(stroke="white", strokeWidth=0.5)
    chart = bars.encode(
        x=alt.X("from:Q", title="seconds since the launch"),
        x2="to:Q",
        y=alt.Y("seed:N", title="seed"),
        color=alt.Color("phase:N", title="phase", scale=alt.Scale(scheme="tableau10")),
    )
    caption = (
        f"Phases of {len(measurement.seeds)} runs by our own clock; the caps are "
        f"{plan.caps.train_seconds} s of training and {plan.caps.eval_seconds} s of evaluation."
    )
    return Figure("Phases", caption, _svg(chart.properties(width=WIDTH, height=40 * len(measurement.seeds))))


def phase_parts(spans: Sequence[Span]) -> Iterator[tuple[str, float, float]]:
    """Yield name, begin and end of the parts of a bar: phases, and what may be one or the other."""
    for span, after in itertools.zip_longest(spans, spans[1:]):
        name = span.phase.value.replace("_", " ")
        if span.end.low > span.start.high:
            yield name, span.start.high, span.end.low
        following = name if after is None else after.phase.value.replace("_", " ")
        start = max(span.start.high, span.end.low)
        if span.end.high > start:
            yield name if following == name else f"{name} or {following}", start, span.end.high


def _losses(directory: ReplayDir, run: SeedMeasurement) -> list[dict[str, Any]]:
    """Return loss and arrival of the training steps of one run, thinned."""
    path = directory.seed(run.seed) / EVENTS
    if not path.is_file():
        return []
    rows = []
    for event in read_events(path):
        text = str(event.data.get("text", "")) if event.seen is Seen.LINE else ""
        found = _LOSS.search(text)
        if found and event.data.get("states") == "train_step":
            step = re.search(r"(\d{1,9})/\d", text)
            rows.append(
                {
                    "seed": str(run.seed),
                    "t": event.seconds,
                    "loss": float(found.group(1)),
                    "step": int(step.group(1)) if step else 0,
                }
            )
    thin = max(1, len(rows) // MAX_POINTS)
    return rows[::thin]


def _loss_chart(points: list[dict[str, Any]]) -> Figure:
    """Return training loss over time."""
    chart = _lines(points, "t", "seconds since the launch", "loss", "training loss")
    first, last = points[0]["loss"], points[-1]["loss"]
    return Figure("Training loss", f"Training loss as printed, from {first:.3f} to {last:.3f}.", _svg(chart))


def _pace_chart(points: list[dict[str, Any]]) -> Figure:
    """Return seconds a step, by arrival of the lines."""
    rows = [
        {**after, "pace": (after["t"] - before["t"]) / (after["step"] - before["step"]) * 1000.0}
        for before, after in itertools.pairwise(points)
        if after["seed"] == before["seed"] and after["step"] > before["step"]
    ]
    chart = _lines(rows, "step", "step", "pace", "milliseconds a step (our clock)")
    return Figure("Pace", "Time a step between arrivals of printed steps, validation included.", _svg(chart))


def _telemetry(directory: ReplayDir, measurement: Measurement) -> list[Figure]:
    """Return clocks, power and memory of the GPUs, where they were sampled."""
    from harness.replay.telemetry import read_samples

    rows = [
        {"gpu": f"{run.seed}/{sample.gpu}", "t": sample.seconds, **sample.gauges()}
        for run in measurement.seeds
        for sample in read_samples(directory.seed(run.seed))
    ]
    if not rows:
        return []
    shown = (("memory_gib", "memory, GiB"), ("sm_mhz", "SM clock, MHz"), ("watts", "power, W"))
    thin = rows[:: max(1, len(rows) // (4 * MAX_POINTS))]
    return [
        Figure(
            title,
            f"{title} of each GPU over time (NVML).",
            _svg(_lines(thin, "t", "seconds", name, title, "gpu")),
        )
        for name, title in shown
    ]


def _lines(rows: list[dict[str, Any]], x: str, x_title: str, y: str, y_title: str, by: str = "seed") -> Any:
    """Return a line chart."""
    import altair as alt

    return (
        alt.Chart(_data(rows))
        .mark_line()
        .encode(
            x=alt.X(f"{x}:Q", title=x_title),
            y=alt.Y(f"{y}:Q", title=y_title, scale=alt.Scale(zero=False)),
            color=alt.Color(f"{by}:N", title=by),
        )
        .properties(width=WIDTH, height=220)
    )


def _data(rows: list[dict[str, Any]]) -> Any:
    """Return rows as a chart takes them."""
    import altair as alt

    return alt.Data(values=rows)  # type: ignore[no-untyped-call]


def _svg(chart: Any) -> str:
    """Return a chart drawn."""
    import vl_convert

    svg: str = vl_convert.vegalite_to_svg(chart.to_json())
    return svg
