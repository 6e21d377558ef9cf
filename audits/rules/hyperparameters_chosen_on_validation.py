"""Rule: a setting of the scored evaluation is chosen by its validation score in the run itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.example_evaluation import EVALUATE, changed, script
from audits.outcome import Axis, Condition, Evidence, Outcome, Severity, Status
from audits.rule import Example, Rule, RuleSource
from audits.rules._chosen import choices
from audits.rules._flow import EVIDENCE_CAP, at, not_followed

if TYPE_CHECKING:
    from audits.facts import Facts

_WARM = changed(
    EVALUATE,
    (
        "def evaluate(args, model, val_tokens, base_bytes):",
        "def evaluate(args, model, val_tokens, base_bytes, heat=1.0):",
    ),
    (
        "nats += model(x, y).item() * y.numel()",
        "logits = model.head(model.forward_hidden(x)).reshape(-1, args.vocab_size) / heat\n"
        '            nats += F.cross_entropy(logits, y.reshape(-1), reduction="sum").item()',
    ),
)
_SWEEP = """\
best_bpb, best_heat = float("inf"), 1.0
    for heat in (0.9, 0.95, 1.0):
        bpb = evaluate(args, model, val_tokens, base_bytes, heat)
        print(f"heat:{{heat}} val_bpb:{{bpb:.6f}}")
        if bpb < best_bpb:
            best_bpb = bpb
            best_heat = heat
    print(f"chosen val_bpb:{{evaluate(args, model, val_tokens, base_bytes, {heat}):.6f}}")"""


class HyperparametersChosenOnValidation(Rule):
    """A temperature, rate or other setting is swept over validation, and the best value is scored.

    Why: the reported score is the minimum over the values tried, and the choice carries bits of the validation
    split into the result.
    Looks for: a condition that compares the result of an evaluation with the best so far, keeps a value with it,
    and a later evaluation that is given that value.
    Blind to: sweeps in other scripts or by hand, and values picked with `min` or `argmin` over a table.
    Ruling: fitted on tokens that are scored again, it was closed (#991); without rescoring nobody has ruled
    (#1222). A policy decides.
    """

    id = "hyperparameters-chosen-on-validation"
    axis = Axis.LEGALITY
    condition = Condition.DATA
    pattern = "hyperparameters-chosen-on-val"
    severity = Severity.DISPUTED
    sources = (
        RuleSource(
            "PR #991",
            "maintainers (closed)",
            "2026-03-28",
            "a temperature calibrated on tokens that are scored again",
        ),
        RuleSource(
            "PR #1222", "its author", "2026-04-02", "sweeps settings over validation and scores the best"
        ),
    )
    flagged = (
        Example(
            "the best of three temperatures is scored",
            script(_WARM, steps=(_SWEEP.format(heat="best_heat"),)),
            (),
            "#1222",
        ),
    )
    clean = (Example("the sweep is only printed", script(_WARM, steps=(_SWEEP.format(heat="1.0"),))),)

    def check(self, facts: Facts) -> Outcome:
        """Find values that are chosen by validation score."""
        found = [item for item in choices(facts.code) if not item.weights]
        if found:
            shown = tuple(
                Evidence(
                    item.place,
                    f"a validation score decides what {item.kept} becomes, and the evaluation of"
                    f" {at(item.used, item.place)} is given it",
                    severity=Severity.DISPUTED,
                    confidence=0.75,
                )
                for item in found[:EVIDENCE_CAP]
            )
            reason = shown[0].message
            return self.outcome(
                Status.FLAGGED, reason, shown, confidence=0.75, dispute="hyperparameters-chosen-on-val"
            )
        if not_followed(facts):
            return self.outcome(Status.NOT_APPLICABLE, "the code was not followed to a score")
        return self.outcome(
            Status.CLEAN, "no comparison of validation scores decides on a value that is scored"
        )
