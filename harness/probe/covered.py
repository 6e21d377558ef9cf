"""Hold a probe against what static analysis knows: did what learns from validation at full scale run at all?

An adaptation that the probe never executed was not tested. Promises to lower CLEAN and UNCLEAR only: a leak
that was measured stays one, whatever else did not run.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from containers.probe_result import ProbeStatus, ProbeVerdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audits.facts import Facts
    from audits.facts.code.behaviour import Behaviour, Update
    from audits.location import Location
    from containers.probe_result import Executed, ProbeResult

MAX_TOLD = 20


def covered(result: ProbeResult, facts: Facts | None) -> ProbeResult:
    """Return the result, BLIND where something that learns at full scale did not run."""
    if facts is None or result.status is not ProbeStatus.RAN or not result.runs:
        return result
    unseen = tuple(_unseen(facts.code.behaviour, result.coverage.executed))[:MAX_TOLD]
    if not unseen:
        return result
    result = replace(result, coverage=replace(result.coverage, unseen=unseen))
    if result.verdict not in (ProbeVerdict.CLEAN, ProbeVerdict.UNCLEAR):
        return result
    reason = f"what learns from validation at full scale did not run here: {unseen[0]}"
    return replace(result, verdict=ProbeVerdict.BLIND, reason=reason)


def _unseen(behaviour: Behaviour, executed: tuple[Executed, ...]) -> Iterator[str]:
    """Yield the places of updates that no executed line belongs to."""
    seen = [(entry.path, lines_of(entry.ranges)) for entry in executed]
    for update in _learning(behaviour):
        if not _ran(update.location, seen):
            place = f"{update.location.path}:{update.location.start_line}"
            layer = f" (unpacked layer {update.location.layer})" if update.location.layer else ""
            what = f"{update.kind.value.replace('_', ' ')} in {update.function or 'the module'}"
            yield f"{what} at {place}{layer}"


def _learning(behaviour: Behaviour) -> tuple[Update, ...]:
    """Return every update that the claimed score depends on in the configuration of the run."""
    exposed = (entry.update for entry in behaviour.exposures if entry.headline and not entry.assumed)
    return tuple(dict.fromkeys((*behaviour.adaptations, *exposed, *behaviour.counted)))


def _ran(place: Location, seen: list[tuple[str, list[range]]]) -> bool:
    """Tell whether a line of a place ran; what is unpacked runs under whatever name it is given."""
    for path, ranges in seen:
        same = place.layer > 0 or path == place.path
        if same and any(place.start_line < part.stop and part.start <= place.end_line for part in ranges):
            return True
    return False


def lines_of(text: str) -> list[range]:
    """Return the ranges that a text such as `1-5,8` names; what is none is left out."""
    found = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        ends = (first, last or first)
        if all(end.isascii() and end.isdigit() and len(end) < 9 for end in ends):
            found.append(range(int(ends[0]), int(ends[1]) + 1))
    return found
