"""Smoke as a stage that may follow an audit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from audits.outcome import Axis, Condition
from harness.smoke.outcome import outcomes_of
from harness.smoke.shown import shown_of
from harness.stages import Stage

if TYPE_CHECKING:
    from containers.smoke_result import SmokeResult
    from harness.smoke.workshop import Workshop
    from harness.stages import Given


def _run(given: Given) -> SmokeResult:
    """Run the submission in a box; the option is a `Workshop`, or None for the usual one."""
    from harness.smoke.workshop import Setup, open_workshop

    workshop: Workshop = given.options or open_workshop(Setup())
    return workshop.smoke(given.audit.submission, given.audit.facts)


def _document(result: SmokeResult) -> dict[str, Any]:
    from harness.smoke.document import to_document

    return to_document(result)


STAGE = Stage(
    name="smoke",
    title="The submission's own code, run in a locked box at tiny scale on a CPU.",
    axis=Axis.PACKAGE,
    condition=Condition.PACKAGE,
    needs=(),
    run=_run,
    outcomes=outcomes_of,
    render=shown_of,
    document=_document,
)
