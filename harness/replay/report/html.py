"""The report as one HTML file that needs no network: tables, and charts where they can be drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.replay.report.charts import Figure, figures
from harness.report.escape import visible

if TYPE_CHECKING:
    from harness.replay.measurement import Measurement
    from harness.replay.plan import Plan
    from harness.replay.report.view import View
    from harness.rundir import ReplayDir


def html(shown: View, directory: ReplayDir, plan: Plan, measurement: Measurement) -> str:
    """Return the page."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("harness.replay.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["visible"] = visible
    drawn: tuple[Figure, ...] = figures(directory, plan, measurement)
    return environment.get_template("replay.html.j2").render(view=shown, figures=drawn) + "\n"
