"""What a run tried that the box refused: seen by the supervisor, or reported by the run's own process.

A report can only speak against the run that sends it, so it is taken at its word; silence proves nothing, and
the supervisor's counters stand beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from harness.report.escape import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.replay.seed_run import SeedRun

MAX_ATTEMPTS: Final = 20


class Attempt(NamedTuple):
    """One thing that was tried."""

    kind: str
    """`network`, `write-outside` or `system-call`."""
    detail: str


def attempts_of(run: SeedRun) -> tuple[Attempt, ...]:
    """Return what a run tried, each kind and detail once."""
    return tuple(dict.fromkeys((*_observed(run), *_reported(run))))[:MAX_ATTEMPTS]


def _observed(run: SeedRun) -> Iterator[Attempt]:
    """Yield what the supervisor counted."""
    if run.observed is None:
        return
    if run.observed.network_attempts:
        yield Attempt("network", f"{run.observed.network_attempts} packets had no way out of the box")
    if run.observed.forbidden_calls:
        yield Attempt(
            "system-call", f"{run.observed.forbidden_calls} processes were killed for a forbidden call"
        )


def _reported(run: SeedRun) -> Iterator[Attempt]:
    """Yield what the processes of the run reported of themselves."""
    for line in run.report:
        kind, detail = line.get("kind"), line.get("detail")
        if (
            line.get("event") == "attempt"
            and kind in ("network", "write-outside")
            and isinstance(detail, str)
        ):
            yield Attempt(str(kind), one_line(detail, 200))
