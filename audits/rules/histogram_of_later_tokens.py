"""Rule: a histogram of the scored tokens is added to what predicts them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.example_evaluation import EVALUATE, changed, script
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

_BIASED = changed(
    EVALUATE,
    (
        "            nats += model(x, y).item() * y.numel()\n",
        "            counts = torch.bincount({tokens}.reshape(-1), minlength=args.vocab_size)\n"
        "            logits = model.head(model.forward_hidden(x)) + 0.05 * (counts + 1.0).log()\n"
        "            nats += F.cross_entropy(logits.reshape(-1, args.vocab_size), y.reshape(-1)).item() * y.numel()\n",
    ),
)


class HistogramOfLaterTokens(FlowRule):
    """Counts over a whole piece of tokens are added to the prediction of every position in it.

    Why: the inputs of a window are the targets of its earlier positions. A cache that counts them all at once tells
    each position what comes after it.
    Looks for: a histogram of validation tokens that enters the prediction of the same tokens, or of earlier ones.
    Blind to: other statistics over a batch (means, ranks, expert loads), and histograms that only a learned part
    of the model sees.
    """

    id = "histogram-of-later-tokens"
    condition = Condition.C1
    pattern = Breach.LATER_TOKENS.value
    offence = "histogram of tokens enters the prediction of earlier ones"
    sources = (RuleSource("#1017", "NoesisGenesis", "2026-03-28", "condition 1: strictly causal dependence"),)
    flagged = (
        Example(
            "the counts of a window are added to its logits", script(_BIASED.format(tokens="x")), (), "#704"
        ),
    )
    clean = (
        Example(
            "the counts of what stands before the window",
            script(_BIASED.format(tokens="val_tokens[:start]")),
            (),
            "#704",
        ),
    )

    def sightings(self, behaviour: Behaviour, code: CodeFacts) -> Sequence[Sighting]:
        """Return the histograms that score what they counted."""
        return sightings_of(behaviour, _tell, Breach.LATER_TOKENS)


def _tell(update: Update, score: Location, report: Location) -> str:
    return (
        f"{learning(update)} and added to the prediction of the same tokens, scored at"
        f" {at(score, update.location)}; that score is the val_bpb of {at(report, update.location)}"
    )
