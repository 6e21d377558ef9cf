"""Rule: the order of scoring and learning cannot be followed. Where it can, the legal patterns are named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.example_evaluation import EVALUATE, SCORE_FIRST, changed, script
from audits.facts.code.events import Learner, UpdateKind
from audits.outcome import Axis, Condition, Evidence, Severity, Status
from audits.rule import Example, Rule, RuleSource
from audits.rules._flow import at, not_followed
from audits.rules._learning import STEPS, learning, stray_steps

if TYPE_CHECKING:
    from audits.facts import Facts
    from audits.facts.code.behaviour import Behaviour, Update
    from audits.facts.native import NativeFacts
    from audits.outcome import Outcome

NEURAL, SCORE_FIRST_TTT, LORA, PHASED, COUNTS = (
    "pure-neural",
    "score-first-ttt",
    "lora-ttt",
    "phased-ttt",
    "ngram-normalised",
)
_OTHER_COUNTS = ("target-keyed-count", "byte-mixed", "mixed-where-counted")
_FOREIGN = changed(
    script(),
    ("import torch\n", "import scoring_kernel\nimport torch\n"),
    ("evaluate(args, model, val_tokens, base_bytes)", "scoring_kernel.evaluate(args, model)"),
)


class AdaptationOrderUnproven(Rule):
    """No reported score of validation tokens could be followed from the tokens to the bits per byte.

    Why: legality is a matter of order. A verdict may say that the order is kept only where the score was found
    and everything it depends on was followed; code that was not seen is no proof.
    Looks for: a loss on validation targets that reaches bits per byte, and every update it depends on. Where each of
    them learned from earlier tokens only, the legal pattern is named: score-first training, per-document
    adapters, both in phases, counts that reach the score for every next token alike, or nothing but the trained
    model, which the claimed score alone decides.
    Blind to: scores computed in C, in a package or in another process, and payloads that cannot be decoded.
    """

    id = "adaptation-order-unproven"
    axis = Axis.LEGALITY
    condition = Condition.C3
    yields_to = ("probe",)
    sources = (
        RuleSource(
            "#1017",
            "NoesisGenesis",
            "2026-03-28",
            "conditions 1 to 4 speak of the order of scoring and learning",
        ),
        RuleSource(
            "PR #549", "maintainers (merged)", "2026-03-23", "score-first training on scored windows is legal"
        ),
    )
    unclear = (Example("the score is computed in a package that is not in the folder", _FOREIGN),)
    clean = (
        Example("nothing learns from validation", script(EVALUATE), (), "#74"),
        Example("each window is scored before it is learned from", script(SCORE_FIRST), (), "#1518"),
    )

    def check(self, facts: Facts) -> Outcome:
        """Name the adaptations that keep the order, or say why the order is not known."""
        behaviour = facts.code.behaviour
        asleep = tuple(name for name in legal_patterns(facts.code.dormant) if name != NEURAL)
        why = not_followed(facts)
        if why:
            return self.outcome(Status.UNCLEAR, why, dormant=asleep)
        stray = stray_steps(behaviour)
        if stray and not behaviour.adaptations and not behaviour.exposures:
            reason = f"{learning(stray[0])}, and no score that depends on it could be followed"
            return self.outcome(Status.UNCLEAR, reason, dormant=asleep)
        patterns = legal_patterns(behaviour, facts.native)
        asleep = tuple(name for name in asleep if name not in patterns)
        if behaviour.exposures:
            reason = "the order is known, and it is broken: other rules say where"
            return self.outcome(Status.NOT_APPLICABLE, reason, patterns=patterns, dormant=asleep)
        return self.outcome(
            Status.CLEAN,
            _reason(behaviour),
            tuple(_evidence(behaviour)),
            patterns=patterns,
            dormant=asleep,
        )


def legal_patterns(behaviour: Behaviour, native: NativeFacts | None = None) -> tuple[str, ...]:
    """Return the names of what learns in order, with `pure-neural` where the claimed score learned nothing.

    `score-first-ttt` says when something learns, `lora-ttt` that an adapter does. Adapters together with the
    model's own weights are `phased-ttt`, which stands in the place of the general name.
    """
    kept = kept_in_order(behaviour)
    trained = [update for update in kept if update.kind in STEPS]
    adapters = [update for update in trained if update.learner is Learner.ADAPTER]
    models = [update for update in trained if update.learner is Learner.MODEL]
    found = []
    if adapters:
        found.append(LORA)
    starts_over = {item.update.location for item in behaviour.exposures if not item.update_first}
    if adapters and models:
        found.append(PHASED)
    elif any(update.location not in starts_over for update in trained):
        found.append(SCORE_FIRST_TTT)
    if _counts(behaviour, native):
        found.append(COUNTS)
    hinted = native is not None and bool(native.compiled_predictors)
    nothing = not found and behaviour.scores and not behaviour.exposures and not behaviour.marks
    if nothing and not hinted or behaviour.frozen_claim:
        found.append(NEURAL)
    return tuple(found)


def _counts(behaviour: Behaviour, native: NativeFacts | None) -> bool:
    """Return True when counts of earlier tokens enter a score, and for every next token alike.

    Counts of bytes, counts under a key that holds the target, counts that the scored tokens filled, hints that
    only some targets get and mixtures made only where the target was counted do not sum to one.
    """
    if any(mark.kind in _OTHER_COUNTS for mark in behaviour.marks):
        return False
    exposed = {item.update.location for item in behaviour.exposures}
    gated = {(hint.location.path, hint.function) for hint in native.gated} if native else set()
    return bool(behaviour.scores) and any(
        update.kind is UpdateKind.TABLE
        and update.location not in exposed
        and (update.location.path, update.function) not in gated
        for update in behaviour.counted
    )


def kept_in_order(behaviour: Behaviour) -> tuple[Update, ...]:
    """Return every update that some reported score follows in the right order."""
    again = (
        item.update for item in behaviour.exposures if item.kept_order_elsewhere and not item.overlapping
    )
    return tuple(dict.fromkeys((*behaviour.adaptations, *again)))


def _reason(behaviour: Behaviour) -> str:
    first = behaviour.scores[0]
    if not behaviour.adaptations:
        return f"the loss of {at(first)} is followed into bits per byte, and nothing in it learns from validation"
    learned = "; ".join(learning(update) for update in behaviour.adaptations[:2])
    return f"{learned}: only scores of later tokens depend on it"


def _evidence(behaviour: Behaviour) -> list[Evidence]:
    found = [
        Evidence(update.location, f"{learning(update)}, after these are scored", Status.CLEAN, Severity.NOTE)
        for update in behaviour.adaptations[:3]
    ]
    found += [
        Evidence(place, "loss on validation targets", Status.CLEAN, Severity.NOTE)
        for place in behaviour.scores[:2]
    ]
    found += [
        Evidence(place, "turned into bits per byte", Status.CLEAN, Severity.NOTE)
        for place in behaviour.reports[:1]
    ]
    return found
