"""Sort exposures into the patterns that reviewers name. Every exposure has exactly one.

An exposure is a reported score that depends on a state learned from the tokens it scores, or from later ones
(`audits.facts.code.behaviour.Exposure`). Which rule speaks of it depends on what learned, how and when.
"""

from __future__ import annotations

from enum import StrEnum

from audits.facts.code.behaviour import Behaviour, Exposure
from audits.facts.code.events import Learner, UpdateKind


class Breach(StrEnum):
    """What an exposure is called."""

    TRAIN_ON_VAL = "train-on-val"
    PREQUANT_TTT = "prequant-ttt"
    MULTI_EPOCH = "multi-epoch-final-score"
    RESCORE = "two-pass-rescore"
    SLOT = "slot-scored"
    SLOT_CONTEXT = "slot-context-only"
    CALIBRATION = "calib-on-val"
    LATER_TOKENS = "other:later-token-histogram"
    OVERLAP = "other:overlap-rescore"


def breach(exposure: Exposure) -> Breach:
    """Return what an exposure is called."""
    update = exposure.update
    if exposure.overlapping:
        return Breach.OVERLAP
    again = exposure.kept_order_elsewhere and not exposure.same_pass
    if update.learner is Learner.FREE_TENSOR and not again or update.kind is UpdateKind.SOLVED:
        return Breach.SLOT_CONTEXT if update.prefix_only and not update.shared else Breach.SLOT
    if update.kind is UpdateKind.HISTOGRAM:
        return Breach.LATER_TOKENS
    if update.kind is UpdateKind.TABLE:
        return Breach.RESCORE
    if update.kind in (UpdateKind.LOADED, UpdateKind.IN_PLACE):
        return Breach.CALIBRATION
    if not exposure.update_first:
        return Breach.MULTI_EPOCH
    if exposure.kept_order_elsewhere:
        return Breach.RESCORE
    return Breach.PREQUANT_TTT if exposure.carried else Breach.TRAIN_ON_VAL


def further_names(exposure: Exposure) -> tuple[str, ...]:
    """Return what else an exposure is called.

    Several epochs over validation before the score are `multi-epoch-final-score` besides training on it; a delta
    whose loss is cut to a context, yet shared by overlapping windows, is both kinds of SLOT.
    """
    update, main = exposure.update, breach(exposure)
    if main in (Breach.TRAIN_ON_VAL, Breach.PREQUANT_TTT) and update.repeated:
        return (Breach.MULTI_EPOCH.value,)
    if main is Breach.SLOT and update.prefix_only and update.kind is not UpdateKind.SOLVED:
        return (Breach.SLOT_CONTEXT.value,)
    return ()


def exposures_of(behaviour: Behaviour, *wanted: Breach) -> tuple[Exposure, ...]:
    """Return the exposures of the wanted kinds, in source order."""
    found = [item for item in behaviour.exposures if breach(item) in wanted]
    return tuple(sorted(found, key=lambda item: (item.update.location, item.score)))
