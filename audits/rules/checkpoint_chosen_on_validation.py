"""Rule: the weights that are kept are chosen by their validation score."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.example_evaluation import EVALUATE, script
from audits.outcome import Axis, Condition, Evidence, Outcome, Severity, Status
from audits.rule import Example, Rule, RuleSource
from audits.rules._flow import EVIDENCE_CAP, at, not_followed

if TYPE_CHECKING:
    from audits.facts import Facts

_BEST = """\
best_bpb, best_state = float("inf"), model.state_dict()
    for average in (0.0, 0.9, 0.99):
        candidate = {{name: tensor * (1 - average) for name, tensor in model.state_dict().items()}}
        model.load_state_dict(candidate)
        bpb = evaluate(args, model, {tokens}, base_bytes)
        print(f"average:{{average}} val_bpb:{{bpb:.6f}}")
        if bpb < best_bpb:
            best_bpb = bpb
            best_state = candidate
    model.load_state_dict({kept})"""


class CheckpointChosenOnValidation(Rule):
    """Several sets of weights are scored on validation, and the best of them is exported.

    Why: a choice among n candidates takes up to log2 n bits from the validation split into the artifact, and the
    reported score is the minimum of n draws.
    Looks for: weights loaded under, or kept under, a condition that compares the result of an evaluation with the
    best so far, or picked as the first or the least by such results; straight or by way of a file, where a later
    reported score depends on them.
    Blind to: choices made by hand between runs, and checkpoints picked by another script.
    Ruling: nobody has ruled on it (#838 picks among raw, EMA and SWA weights). A policy decides.
    """

    id = "checkpoint-chosen-on-validation"
    axis = Axis.LEGALITY
    condition = Condition.DATA
    pattern = "checkpoint-chosen-on-val"
    severity = Severity.DISPUTED
    sources = (
        RuleSource("README", "openai", "2026-03-20", "no validation data in training"),
        RuleSource("PR #838", "its author", "2026-03-26", "exports the best of three by validation score"),
    )
    flagged = (
        Example(
            "the best of three averages is loaded",
            script(EVALUATE, steps=(_BEST.format(tokens="val_tokens", kept="best_state"),)),
            (),
            "#838",
        ),
    )
    clean = (
        Example(
            "the scores are printed and the last candidate is kept",
            script(EVALUATE, steps=(_BEST.format(tokens="val_tokens", kept="candidate"),)),
        ),
    )

    def check(self, facts: Facts) -> Outcome:
        """Find weights that are chosen by validation score."""
        found = [mark for mark in facts.code.behaviour.marks if mark.kind == "weights-chosen-by-score"]
        if found:
            shown = tuple(
                Evidence(
                    mark.location,
                    "which weights are loaded here was decided by comparing validation scores, and the val_bpb of "
                    f"{at(mark.report, mark.location)} is scored with them",
                    severity=Severity.DISPUTED,
                    confidence=0.8,
                )
                for mark in found[:EVIDENCE_CAP]
            )
            return self.outcome(
                Status.FLAGGED, shown[0].message, shown, confidence=0.8, dispute="checkpoint-chosen-on-val"
            )
        if not_followed(facts):
            return self.outcome(Status.NOT_APPLICABLE, "the code was not followed to a score")
        return self.outcome(Status.CLEAN, "no comparison of validation scores decides on weights")
