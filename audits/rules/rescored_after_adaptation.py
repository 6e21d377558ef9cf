"""Rule: tokens are scored again after something learned from them, and the second score is reported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.example_evaluation import EVALUATE, SCORE_FIRST, changed, script
from audits.facts.code.events import UpdateKind
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

_FIRST = changed(SCORE_FIRST, ("def evaluate(", "def evaluate_adapting("))
_FIRST_STEP = 'print(f"ttt val_bpb:{evaluate_adapting(args, model, val_tokens, base_bytes):.6f}")'
_SECOND = changed(EVALUATE, ("def evaluate(", "def evaluate_plain("))
_SECOND_STEP = 'print(f"plain val_bpb:{evaluate_plain(args, model, val_tokens, base_bytes):.6f}")'


class RescoredAfterAdaptation(FlowRule):
    """A second evaluation scores tokens with a state that the first one learned from them.

    Why: the reported number must come from a single pass from left to right. An adaptation that keeps the order
    the first time leaves weights or tables that know the whole of validation; whatever they score
    afterwards is no prediction.
    Looks for: a reported score that depends on a state learned in an evaluation whose own score kept the order,
    and tables of counts that are filled from validation before the tokens they predict are scored.
    Blind to: second passes over saved losses that change the numbers without a learned state.
    Ruling: closed as a second pass in #991 and #888; overlapping windows that score each token once are legal.
    """

    id = "rescored-after-adaptation"
    condition = Condition.C4
    pattern = Breach.RESCORE.value
    offence = "reported score is taken with a state that an earlier evaluation left behind"
    sources = (
        RuleSource("#1017", "NoesisGenesis", "2026-03-28", "condition 4: a single pass from left to right"),
        RuleSource(
            "PR #991", "maintainers (closed)", "2026-03-28", "a second pass over tokens already scored"
        ),
    )
    flagged = (
        Example(
            "a plain evaluation of the model that score-first training has changed",
            script(_FIRST, EVALUATE, steps=(_FIRST_STEP,)),
            (),
            "#576",
        ),
    )
    clean = (
        Example(
            "the plain evaluation comes first",
            script(_SECOND, SCORE_FIRST, steps=(_SECOND_STEP,)),
            (),
            "#1430",
        ),
    )

    def sightings(self, behaviour: Behaviour, code: CodeFacts) -> Sequence[Sighting]:
        """Return what an earlier evaluation learned and a later one scores with."""
        seen = sightings_of(behaviour, _tell, Breach.RESCORE, Breach.OVERLAP)
        if all(mark.kind == "mixed-where-counted" for mark in behaviour.marks):
            return seen
        # A cache that is wrong in itself is told by the rule on caches.
        tables = {
            item.update.location for item in behaviour.exposures if item.update.kind is UpdateKind.TABLE
        }
        return tuple(item for item in seen if item.location not in tables)


def _tell(update: Update, score: Location, report: Location) -> str:
    return (
        f"{learning(update)}, and the same tokens are then scored with what was learned at"
        f" {at(score, update.location)}; that score is the val_bpb of {at(report, update.location)}"
    )
