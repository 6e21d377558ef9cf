"""How marks become sightings: a forbidden construction on the way to a reported score."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.rules._flow import ASSUMED, Sighting, at

if TYPE_CHECKING:
    from audits.facts.code.behaviour import Behaviour


def marked(behaviour: Behaviour, kind: str, says: str, confidence: float = 0.9) -> tuple[Sighting, ...]:
    """Return one sighting for every marked place of one kind; `says` is the sentence about it."""
    return tuple(
        Sighting(
            mark.location,
            f"{says} ({at(mark.location)}), on the way to the val_bpb of {at(mark.report, mark.location)}",
            ((mark.report, "the score is turned into bits per byte here"),),
            ASSUMED if mark.assumed else confidence,
            headline=mark.headline,
        )
        for mark in sorted(behaviour.marks, key=lambda item: item.location)
        if mark.kind == kind
    )
