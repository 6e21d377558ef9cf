"""Rule: a tensor is fitted to the very positions it helps to score (SLOT)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.example_evaluation import SLOT, SLOT_CONTEXT, script
from audits.outcome import Condition
from audits.rule import Example, RuleSource
from audits.rules._exposures import Breach
from audits.rules._flow import FlowRule, Sighting, at
from audits.rules._learning import learning, sightings_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audits.facts.code import CodeFacts
    from audits.facts.code.behaviour import Behaviour, Update
    from audits.location import Location


class DeltaFittedOnScoredPositions(FlowRule):
    """A delta or logit bias is optimised on the targets of a window, and the same targets are then scored with it.

    Why: the probability of a token may depend on the artifact and on earlier tokens only. A delta that was
    fitted to a token's own loss has read it.
    Looks for: a tensor made in the evaluation, fitted by steps or in closed form to a loss on validation
    targets, that enters the reported loss on the same targets; also one tensor that serves a batch of
    overlapping windows, where one window's context holds another's targets.
    Blind to: deltas fitted inside code that is not Python.
    Ruling: no maintainer has ruled on SLOT by name and none was ever listed; the flip test of #1240 changes
    the prediction in 240 of 240 cases.
    """

    id = "delta-fitted-on-scored-positions"
    condition = Condition.C1
    pattern = Breach.SLOT.value
    offence = "tensor is fitted to the positions that it helps to score"
    sources = (
        RuleSource("#1017", "NoesisGenesis", "2026-03-28", "condition 1: strictly causal dependence"),
        RuleSource(
            "PR #1240",
            "andrewbaggio1",
            "2026-04-02",
            "flipping a target changes its own prediction every time",
        ),
    )
    flagged = (
        Example("a delta on the hidden state, fitted to the window it scores", script(SLOT), (), "#1172"),
    )
    clean = (
        Example("the delta of a window is fitted to its context alone", script(SLOT_CONTEXT), (), "#1350"),
    )

    def sightings(self, behaviour: Behaviour, code: CodeFacts) -> Sequence[Sighting]:
        """Return the tensors that are fitted to what they score."""
        return sightings_of(behaviour, _tell, Breach.SLOT)


def _tell(update: Update, score: Location, report: Location) -> str:
    batch = ", one tensor for a batch of overlapping windows" if update.shared and update.prefix_only else ""
    return (
        f"{learning(update)}{batch} and then enters the loss on the same targets at {at(score, update.location)};"
        f" that loss is the val_bpb of {at(report, update.location)}"
    )
