"""Rule: something is warmed up on validation tokens and thrown away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.example_evaluation import SCORE_FIRST, WARM_UP, changed, script
from audits.outcome import Axis, Condition, Evidence, Severity, Status
from audits.rule import Example, Rule, RuleSource
from audits.rules._flow import EVIDENCE_CAP, not_followed
from audits.rules._learning import STEPS, learning, stray_steps

if TYPE_CHECKING:
    from audits.facts import Facts
    from audits.outcome import Outcome

_ON_VALIDATION = "warm_up(args, model, val_tokens)"


class WarmUpOnValidation(Rule):
    """Training steps on validation tokens warm up the compiler, and no score depends on what they learn.

    Why: the state is discarded, so no prediction changes; yet the tokens are touched before they are scored, and
    nothing but the discarding keeps the run legal. Random tokens do as well.
    Looks for: optimiser steps on validation tokens that reach no followed score, in a run whose other steps do.
    Blind to: warm-up forwards without a step, which change nothing.
    Ruling: #1530 did so and is listed; later entries warm up on random tokens. A policy decides.
    """

    id = "warm-up-on-validation"
    axis = Axis.LEGALITY
    condition = Condition.C3
    pattern = "ttt-warmup-on-val"
    severity = Severity.NOTE
    sources = (
        RuleSource(
            "PR #1530",
            "dexhunter, msisovic",
            "2026-04-28",
            "the warm-up learned from the first validation tokens",
        ),
    )
    flagged = (
        Example(
            "a throw-away adapter takes steps on the first tokens",
            script(WARM_UP, SCORE_FIRST, steps=(_ON_VALIDATION,)),
            (),
            "#1530",
        ),
    )
    clean = (
        Example(
            "the same warm-up on random tokens",
            script(
                changed(
                    WARM_UP,
                    ("tokens[: args.seq_len + 1]", "torch.randint(args.vocab_size, (args.seq_len + 1,))"),
                ),
                SCORE_FIRST,
                steps=(_ON_VALIDATION,),
            ),
            (),
            "#1610",
        ),
    )

    def check(self, facts: Facts) -> Outcome:
        """Note the steps on validation tokens that no score depends on."""
        why = not_followed(facts)
        if why:
            return self.outcome(Status.UNCLEAR, why)
        behaviour = facts.code.behaviour
        stray = stray_steps(behaviour)
        if len(stray) == sum(update.kind in STEPS for update in behaviour.updates):
            return self.outcome(
                Status.NOT_APPLICABLE, "no training step on validation tokens reaches a score"
            )
        if not stray:
            return self.outcome(Status.CLEAN, "every step on validation tokens is accounted for by a score")
        shown = tuple(
            Evidence(update.location, learning(update), severity=Severity.NOTE, confidence=0.8)
            for update in stray[:EVIDENCE_CAP]
        )
        reason = f"{shown[0].message}, and no score depends on it"
        return self.outcome(Status.FLAGGED, reason, shown, confidence=0.8, dispute="ttt-warmup-on-val")
