"""Rule: a tensor is fitted to the context of a window before the rest of it is scored (context-only SLOT)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.example_evaluation import EVALUATE, SLOT_CONTEXT, script
from audits.outcome import Condition, Severity
from audits.rule import Example, RuleSource
from audits.rules._exposures import Breach
from audits.rules._flow import FlowRule, Sighting, at
from audits.rules._learning import learning, sightings_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audits.facts.code import CodeFacts
    from audits.facts.code.behaviour import Behaviour, Update
    from audits.location import Location
    from audits.outcome import Outcome


class DeltaFittedOnContext(FlowRule):
    """A delta is optimised on the context of a window, and only the positions after it are scored.

    Why: the delta never sees the target it helps to score, so it is causal; whether fitting a fresh delta
    to tokens that were scored in earlier windows is within the rules was asked and not answered.
    Looks for: a tensor made in the evaluation whose loss is cut to positions before a boundary inside the
    window, one tensor a window. A shared one is the other rule's.
    Blind to: windows whose context was not scored before: then condition 3 is broken as well.
    Ruling: #1336 asked on 2026-04-04; no maintainer has answered. A policy decides.
    """

    id = "delta-fitted-on-context"
    condition = Condition.C1
    pattern = Breach.SLOT_CONTEXT.value
    severity = Severity.DISPUTED
    offence = "tensor is fitted to the context of the window that it helps to score"
    sources = (
        RuleSource(
            "PR #1336",
            "a participant",
            "2026-04-04",
            "asks whether a delta fitted to the context alone is legal",
        ),
        RuleSource("#1017", "NoesisGenesis", "2026-03-28", "condition 1: strictly causal dependence"),
    )
    flagged = (
        Example("the loss of the delta is cut before the scored suffix", script(SLOT_CONTEXT), (), "#1350"),
    )
    clean = (Example("no delta at all", script(EVALUATE), (), "#74"),)

    def sightings(self, behaviour: Behaviour, code: CodeFacts) -> Sequence[Sighting]:
        """Return the tensors that are fitted to a context."""
        return sightings_of(behaviour, _tell, Breach.SLOT_CONTEXT)

    def flag(self, seen: Sequence[Sighting], **fields: str) -> Outcome:
        """Return the flagged outcome, to be weighed by the policy."""
        return super().flag(seen, dispute="context-only-slot")


def _tell(update: Update, score: Location, report: Location) -> str:
    return (
        f"{learning(update)} up to a boundary inside the window, and then enters the loss on the positions after"
        f" it at {at(score, update.location)}; that loss is the val_bpb of {at(report, update.location)}"
    )
