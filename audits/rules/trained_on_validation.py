"""Rule: weights learn from validation tokens before these are scored."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from audits.example_evaluation import ADAPT, EVALUATE, SCORE_FIRST, script
from audits.outcome import Condition
from audits.rule import Example, RuleSource
from audits.rules._artifact_order import exported_after
from audits.rules._exposures import Breach
from audits.rules._flow import FlowRule, Sighting, at
from audits.rules._learning import learning, sightings_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audits.facts.code import CodeFacts
    from audits.facts.code.behaviour import Behaviour, Update
    from audits.location import Location

ON_VALIDATION = "adapt(args, model, val_tokens)"
ON_TRAINING = "adapt(args, model, load_tokens(args.train_files))"


class TrainedOnValidation(FlowRule):
    """Weights learn from validation tokens, and the reported score is taken on those tokens afterwards.

    Why: a token may be learned from only once its loss has been counted. Weights that have seen the tokens
    they are scored on measure memory, whether the artifact is frozen afterwards or not.
    Looks for: an optimiser step, a gradient by hand or loaded weights that depend on validation tokens and
    reach, in program order or through a saved and quantised artifact, a reported loss on the same tokens or
    on earlier ones. Names and comments count for nothing.
    Blind to: training shards that hold validation documents (see the overlap fingerprint), and learning
    inside code that is not Python.
    Ruling: the maintainers call test-time training before quantisation invalid (#1972, #1902); that the
    artifact is frozen afterwards (#1735) does not mend it.
    """

    id = "trained-on-validation"
    condition = Condition.C3
    pattern = Breach.TRAIN_ON_VAL.value
    offence = "update on validation tokens reaches a score of the same or earlier tokens"
    sources = (
        RuleSource(
            "README",
            "0hq",
            "2026-03-20",
            "validation tokens may be trained on only after they were evaluated",
        ),
        RuleSource("#1017", "NoesisGenesis", "2026-03-28", "condition 3: score before update"),
        RuleSource(
            "PR #1972",
            "cocohearts",
            "2026-05-02",
            "fine-tuning on validation before quantisation is not valid",
        ),
        RuleSource("issue #402", "leloykun", "2026-03-22", "lists entries that train first and score later"),
    )
    flagged = (
        Example(
            "a sweep over validation, then the score",
            script(ADAPT, EVALUATE, steps=(ON_VALIDATION,)),
            (),
            "#152",
        ),
        Example(
            "the sweep before quantisation",
            script(ADAPT, EVALUATE, steps=(ON_VALIDATION, "export(model)", "restore(model)")),
            (),
            "#1376",
        ),
    )
    clean = (
        Example("each window is scored before it is learned from", script(SCORE_FIRST), (), "#1518"),
        Example(
            "the same sweep over training tokens",
            script(ADAPT, EVALUATE, steps=(ON_TRAINING, "export(model)")),
            (),
            "#74",
        ),
    )

    def sightings(self, behaviour: Behaviour, code: CodeFacts) -> Sequence[Sighting]:
        """Return what learns before the score, straight or through the artifact."""
        seen = sightings_of(behaviour, _tell, Breach.TRAIN_ON_VAL, Breach.PREQUANT_TTT)
        return tuple(_named(item, code) for item in seen)


def _named(seen: Sighting, code: CodeFacts) -> Sighting:
    """Call it learning before quantisation where the artifact is written afterwards."""
    if seen.pattern == Breach.TRAIN_ON_VAL.value and exported_after(code, seen.location, seen.function):
        return replace(seen, pattern=Breach.PREQUANT_TTT.value)
    return seen


def _tell(update: Update, score: Location, report: Location) -> str:
    return (
        f"{learning(update)} before the loss on the same tokens is taken at {at(score, update.location)}; that loss"
        f" is the val_bpb of {at(report, update.location)}"
    )
