"""How exposures become sentences: what learns from which tokens, where these are scored, where it is reported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.facts.code.events import Learner, UpdateKind
from audits.rules._exposures import Breach, breach, exposures_of, further_names
from audits.rules._flow import ASSUMED, Sighting, at

if TYPE_CHECKING:
    from collections.abc import Callable

    from audits.facts.code.behaviour import Behaviour, Exposure, Update
    from audits.location import Location

_LEARNERS = {
    Learner.MODEL: "the model's weights",
    Learner.ADAPTER: "an adapter",
    Learner.FREE_TENSOR: "a tensor made for the purpose",
    Learner.TABLE: "a table of counts",
    Learner.UNKNOWN: "a trainable state",
}
_VERBS = {
    UpdateKind.OPTIMISER: "take an optimiser step on",
    UpdateKind.GRADIENT: "are moved by a gradient on",
    UpdateKind.IN_PLACE: "are overwritten with values computed from",
    UpdateKind.LOADED: "are loaded from something computed on",
    UpdateKind.TABLE: "are filled with",
    UpdateKind.HISTOGRAM: "are drawn from",
    UpdateKind.SOLVED: "are fitted in closed form to",
}
_CONFIDENCE = {
    UpdateKind.OPTIMISER: 0.95,
    UpdateKind.GRADIENT: 0.9,
    UpdateKind.SOLVED: 0.85,
    UpdateKind.TABLE: 0.55,
    UpdateKind.HISTOGRAM: 0.85,
}
_WEAK = 0.7
STEPS = (UpdateKind.OPTIMISER, UpdateKind.GRADIENT)
"""The kinds of update that train."""


def learning(update: Update) -> str:
    """Say what learns and how: `the model's weights take an optimiser step on validation tokens (adapt, line 62)`."""
    verb = _VERBS[update.kind]
    if update.learner is not Learner.MODEL:
        verb = verb.replace("take", "takes", 1).replace("are ", "is ", 1)
    where = f"in {update.function}, " if update.function.isidentifier() else ""
    return f"{_LEARNERS[update.learner]} {verb} validation tokens ({where}{at(update.location)})"


def sightings_of(
    behaviour: Behaviour, tell: Callable[[Update, Location, Location], str], *wanted: Breach
) -> tuple[Sighting, ...]:
    """Return one sighting for every update of the wanted kinds, told by its first score and report."""
    groups: dict[Location, list[Exposure]] = {}
    for exposure in exposures_of(behaviour, *wanted):
        groups.setdefault(exposure.update.location, []).append(exposure)
    return tuple(_sighting(group, tell) for group in groups.values())


def stray_steps(behaviour: Behaviour) -> tuple[Update, ...]:
    """Return the training steps on validation tokens that no followed score depends on."""
    known = {update.location for update in behaviour.adaptations}
    known |= {item.update.location for item in behaviour.exposures}
    steps = (update for update in behaviour.updates if update.kind in STEPS)
    return tuple(update for update in steps if update.location not in known)


def _sighting(group: list[Exposure], tell: Callable[[Update, Location, Location], str]) -> Sighting:
    first = group[0]
    update = first.update
    return Sighting(
        update.location,
        tell(update, first.score, first.report),
        tuple(place for item in group for place in _further(item)),
        ASSUMED if all(item.assumed for item in group) else _CONFIDENCE.get(update.kind, _WEAK),
        _name(group),
        tuple(dict.fromkeys(name for item in group for name in further_names(item))),
        update.function,
        any(item.headline for item in group),
    )


def _name(group: list[Exposure]) -> str:
    """Return what the exposures of one update are called: by the claimed score, and by the artifact if it carries."""
    found = [breach(item) for item in sorted(group, key=lambda item: not item.headline)]
    return (Breach.PREQUANT_TTT if Breach.PREQUANT_TTT in found else found[0]).value


def _further(exposure: Exposure) -> tuple[tuple[Location, str], ...]:
    return (
        (exposure.score, f"the tokens learned from at {at(exposure.update.location)} are scored here"),
        (exposure.report, "the score is turned into bits per byte here"),
    )
