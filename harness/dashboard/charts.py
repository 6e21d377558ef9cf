"""The charts, as Vega-Lite specifications made by Altair, each with a sentence that says what it shows.

The data is the table's: a page fills the dataset `entries` from the rows it already holds, so nothing is
stored twice. Colour and shape both carry the verdict, and the page's theme supplies the colours.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from audits.verdict import Overall
from harness.dashboard.captions import bytes_caption, cap_caption, patterns_caption, scores_caption
from harness.dashboard.field import pattern_counts

if TYPE_CHECKING:
    import altair as alt

    from harness.dashboard.field import Field

VERDICTS = [overall.value for overall in Overall]
SHAPES = ["cross", "triangle-down", "triangle-up", "diamond", "square", "circle"]
"""In the order of `VERDICTS`."""
LEGEND = tuple(
    zip(
        VERDICTS,
        (
            "M-5-2h3v-3h4v3h3v4h-3v3h-4v-3h-3z",
            "M-5-4h10l-5 9z",
            "M-5 4h10l-5-9z",
            "M0-6l4 6-4 6-4-6z",
            "M-4-4h8v8h-8z",
            "M0-5a5 5 0 1 0 0 10a5 5 0 1 0 0-10z",
        ),
        strict=True,
    )
)
"""Verdict and the outline of its shape, for the one legend that all charts share."""
PATTERNS_SHOWN = 16
_HEIGHT = 300
_BPB_RANGE = (0.9, 1.5)
_BYTES_RANGE = (147e6, 159e6)
_TOKENS_RANGE = (30e6, 160e6)
_DAYS: dict[str, Any] = {"format": "%d %b", "labelOverlap": True}
_LINE_GAP = 0.0015
"""Canonical lines closer than this share of their height are drawn as one."""


@dataclass(frozen=True, slots=True)
class Chart:
    """One figure of a page."""

    name: str
    title: str
    spec: dict[str, Any]
    caption: str
    """What it shows, in a sentence; stands for the picture where there is none."""
    link: str
    """The table that holds its data."""


def charts(field: Field) -> tuple[Chart, ...]:
    """Return every chart of the front page."""
    record = next(track for track in field.challenge.tracks if track.record)
    return (
        Chart("scores", "Claimed val_bpb over time", _scores(), *scores_caption(field, _BPB_RANGE)),
        Chart("patterns", "Patterns over time", _patterns(field), *patterns_caption(field, PATTERNS_SHOWN)),
        _cap(field, "artifact", "Artifact bytes", "bytes", record.artifact_bytes),
        _cap(field, "train", "Training seconds", "seconds", record.train_seconds),
        _cap(field, "eval", "Evaluation seconds", "seconds", record.eval_seconds),
        Chart("implied", "Bytes that scores imply", _implied(field), *bytes_caption(field, _BYTES_RANGE)),
    )


def _points(y: alt.Y, x: alt.X | None = None) -> alt.Chart:
    """Return marks for every entry, coloured and shaped by verdict, that lead to its page."""
    import altair as alt

    points: alt.Chart = (
        alt.Chart(alt.NamedData("entries"))
        .mark_point(size=26, filled=True, opacity=0.75, clip=True)
        .encode(
            x=x or alt.X("date:T", title=None, axis=alt.Axis(**_DAYS)),
            y=y,
            color=alt.Color("verdict:N", scale=alt.Scale(domain=VERDICTS), legend=None),
            shape=alt.Shape("verdict:N", scale=alt.Scale(domain=VERDICTS, range=SHAPES), legend=None),
            href="url:N",
            tooltip=["what:N", "verdict:N", f"{y.shorthand}", "date:T"],
        )
    )
    return points


def _scores() -> dict[str, Any]:
    import altair as alt

    low, high = _BPB_RANGE
    scale = alt.Scale(domain=[low, high], clamp=True, zero=False)
    chart = _points(alt.Y("claimed:Q", scale=scale, title="val_bpb as claimed"))
    return _spec(chart.transform_filter("datum.claimed > 0"), 400)


def _cap(field: Field, column: str, title: str, unit: str, cap: float | None) -> Chart:
    import altair as alt

    top = (cap or 1) * (1.5 if unit == "seconds" else 1.25)
    low = 0 if unit == "seconds" else (cap or 0) * 0.5
    scale = alt.Scale(domain=[low, top], clamp=True, zero=False)
    axis = alt.Axis(format="~s") if unit == "bytes" else alt.Axis()
    points = _points(alt.Y(f"{column}:Q", scale=scale, title=unit, axis=axis))
    chart = points.transform_filter(f"isValid(datum.{column})")
    layers = alt.layer(chart, _rule([cap], [f"cap {cap:,.0f}"])) if cap else chart
    return Chart(
        column, f"{title} against the cap", _spec(layers, 220), *cap_caption(field, column, cap, unit)
    )


def _implied(field: Field) -> dict[str, Any]:
    import altair as alt

    lines: list[tuple[float, str]] = []
    for constant in sorted(field.challenge.byte_constants, key=lambda entry: entry.bytes_total):
        if lines and constant.bytes_total < lines[-1][0] * (1 + _LINE_GAP):
            continue
        usual = abs(constant.bytes_total / field.challenge.canonical_bytes - 1) < _LINE_GAP
        name = "canonical, every tokenisation" if usual else constant.name
        lines.append((constant.bytes_total, f"{name}: {constant.bytes_total / 1e6:.2f} M"))
    scale = alt.Scale(domain=list(_BYTES_RANGE), clamp=True, zero=False)
    width = alt.Scale(type="log", domain=list(_TOKENS_RANGE), clamp=True, nice=False)
    x = alt.X("tokens:Q", scale=width, title="validation tokens", axis=alt.Axis(format="~s"))
    points = _points(alt.Y("implied:Q", scale=scale, title="bytes implied", axis=alt.Axis(format="~s")), x)
    points = points.transform_filter("isValid(datum.implied) && datum.tokens > 0")
    return _spec(alt.layer(points, _rule([at for at, _ in lines], [name for _, name in lines])))


def _rule(values: list[float | None], names: list[str]) -> Any:
    """Return named horizontal lines."""
    import altair as alt

    data = alt.InlineData(values=[{"at": at, "name": name} for at, name in zip(values, names, strict=True)])
    base = alt.Chart(data).encode(y="at:Q")
    names_at = base.encode(x=alt.value(0), text="name:N")
    halo, text = (
        names_at.mark_text(align="left", baseline="bottom", dx=4, dy=-4, fontSize=11, style=style)
        for style in ("halo", "text")
    )
    return alt.layer(base.mark_rule(strokeDash=[5, 3], strokeWidth=1.5), halo, text)


def _patterns(field: Field) -> dict[str, Any]:
    import altair as alt

    names = [name for name, _ in pattern_counts(field)[:PATTERNS_SHOWN]]
    counts: Counter[tuple[str, str]] = Counter()
    for row in field.rows:
        week = _week(row.pull.committed_at)
        if row.judged and week:
            counts.update((week, name) for name in row.judged.patterns if name in names)
    values = [{"week": week, "pattern": name, "folders": n} for (week, name), n in sorted(counts.items())]
    few = alt.Legend(tickCount=3)
    chart = (
        alt.Chart(alt.InlineData(values=values))
        .mark_rect()
        .encode(
            x=alt.X("yearmonthdate(week):O", title="week from", axis=alt.Axis(**_DAYS)),
            y=alt.Y("pattern:N", sort=names, title=None, axis=alt.Axis(labelLimit=190)),
            color=alt.Color("folders:Q", title="folders", scale=alt.Scale(type="sqrt"), legend=few),
            tooltip=["pattern:N", alt.Tooltip("week:T", format="%d %b %Y"), "folders:Q"],
        )
    )
    return _spec(chart, 21 * max(1, len(names)) + 90)


def _week(committed_at: str) -> str:
    """Return the Monday of a commit's week."""
    try:
        day = date.fromisoformat(committed_at[:10])
    except ValueError:
        return ""
    return (day - timedelta(days=day.weekday())).isoformat()


def _spec(chart: Any, height: int = _HEIGHT) -> dict[str, Any]:
    fit = {"type": "fit", "contains": "padding"}
    sized = chart.properties(width="container", height=height, autosize=fit)
    spec: dict[str, Any] = sized.to_dict()
    # The page brings its own colours, light or dark.
    spec.pop("config", None)
    return spec


__all__ = ["LEGEND", "Chart", "charts"]
