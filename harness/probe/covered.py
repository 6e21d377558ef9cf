"""Hold a probe against what static analysis knows: did what decides at full scale run at all?

An adaptation that the probe never executed was not tested, and what a rule finds fault with was not cleared
by a run that never came there (#888). Nor was a score cleared that no log holds: it may come from a second
script (#1302), or be printed under a name of its own (#1854). Promises to lower CLEAN and UNCLEAR only: a
leak that was measured stays one, whatever else did not run.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from audits.facts.headline import of_another_run
from audits.outcome import Axis, Status
from containers.probe_result import ProbeStatus, ProbeVerdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from audits.facts import Facts
    from audits.facts.code.behaviour import Behaviour, Update
    from audits.location import Location
    from audits.outcome import Outcome
    from containers.probe_result import ProbeResult

MAX_TOLD = 20


def covered(result: ProbeResult, facts: Facts | None, outcomes: Iterable[Outcome] = ()) -> ProbeResult:
    """Return the result, BLIND where what learns at full scale, or what a rule accuses, did not run."""
    if facts is None or result.status is not ProbeStatus.RAN or not result.runs:
        return result
    seen = [(entry.path, lines_of(entry.ranges)) for entry in result.coverage.executed]
    unseen = (*_unseen(facts.code.behaviour, seen), *_unseen_faults(outcomes, seen))[:MAX_TOLD]
    if unseen:
        result = replace(result, coverage=replace(result.coverage, unseen=unseen))
    if result.verdict not in (ProbeVerdict.CLEAN, ProbeVerdict.UNCLEAR):
        return result
    if unseen:
        reason = f"what decides at full scale did not run here: {unseen[0]}"
    elif of_another_run(facts.logs, facts.claims):
        reason = "the logs hold results, none of them the claimed score: which evaluation gives it is unknown"
    else:
        return result
    return replace(result, verdict=ProbeVerdict.BLIND, reason=reason)


def _unseen(behaviour: Behaviour, seen: list[tuple[str, list[range]]]) -> Iterator[str]:
    """Yield the places of updates that no executed line belongs to."""
    for update in _learning(behaviour):
        if not _ran(update.location, seen):
            place = f"{update.location.path}:{update.location.start_line}"
            layer = f" (unpacked layer {update.location.layer})" if update.location.layer else ""
            what = f"{update.kind.value.replace('_', ' ')} in {update.function or 'the module'}"
            yield f"{what} at {place}{layer}"


def _unseen_faults(outcomes: Iterable[Outcome], seen: list[tuple[str, list[range]]]) -> Iterator[str]:
    """Yield the rules that flag a line of code, in the first place they point at, which did not run."""
    for outcome in outcomes:
        if outcome.axis is not Axis.LEGALITY or outcome.status is not Status.FLAGGED or not outcome.evidence:
            continue
        place = outcome.evidence[0].location
        if place is not None and place.path.endswith(".py") and not _ran(place, seen):
            yield f"what {outcome.rule} flags at {place.path}:{place.start_line}"


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
