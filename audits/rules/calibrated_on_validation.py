"""Rule: quantisation, scales or other weights are computed from validation tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.example_evaluation import CALIBRATED, EVALUATE, script
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

_LOAD = "model.load_state_dict(quantise(model, collect_hessian(args, model, load_tokens({files}))))"


class CalibratedOnValidation(FlowRule):
    """Weights are quantised, scaled or overwritten with statistics of the validation tokens that they then score.

    Why: no validation token may shape the artifact. Hessians, activation scales and clipping ranges are fitted to
    what they were collected on, so the score is taken on data that the weights were adjusted to.
    Looks for: weights that are loaded or written in place from something computed on validation tokens, and a
    reported score on those tokens with these weights. The name of the calibration source counts for nothing.
    Blind to: a single number, such as a temperature, that is chosen by comparing losses (see the rule on settings
    chosen on validation), and calibration done by another script.
    Ruling: calibration on validation was called a breach of autoregressivity (reported of 2026-03-28, #728);
    calibration on text that the model generates itself was let through (#1019).
    """

    id = "calibrated-on-validation"
    condition = Condition.DATA
    pattern = Breach.CALIBRATION.value
    offence = "weights are computed from validation tokens outside an optimiser"
    sources = (
        RuleSource("README", "openai", "2026-03-20", "no validation data in training or in the artifact"),
        RuleSource(
            "PR #728",
            "valerio-oai (reported)",
            "2026-03-28",
            "calibrating on validation breaks autoregressivity",
        ),
        RuleSource("PR #1919", "dexhunter", "2026-04-29", "scales fitted to the first validation tokens"),
    )
    flagged = (
        Example(
            "a Hessian collected on validation scales the weights",
            script(CALIBRATED, EVALUATE, steps=(_LOAD.format(files="args.val_files"),)),
            (),
            "#968",
        ),
    )
    clean = (
        Example(
            "the same Hessian from training tokens",
            script(CALIBRATED, EVALUATE, steps=(_LOAD.format(files="args.train_files"),)),
            (),
            "#1072",
        ),
    )

    def sightings(self, behaviour: Behaviour, code: CodeFacts) -> Sequence[Sighting]:
        """Return the weights that are computed from what they score."""
        return sightings_of(behaviour, _tell, Breach.CALIBRATION)


def _tell(update: Update, score: Location, report: Location) -> str:
    return (
        f"{learning(update)}, and the loss on these tokens is then taken at {at(score, update.location)}; that loss is"
        f" the val_bpb of {at(report, update.location)}"
    )
