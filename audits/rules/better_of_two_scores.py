"""Rule: the smaller of two losses is kept, token by token (an oracle)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.example_evaluation import changed, script
from audits.outcome import Condition
from audits.rule import Example, RuleSource
from audits.rules._flow import FlowRule, Sighting
from audits.rules._marks import marked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audits.facts.code import CodeFacts
    from audits.facts.code.behaviour import Behaviour

_ORACLE = """\
def evaluate(args, model, val_tokens, base_bytes):
    nats, size = 0.0, 0.0
    second = GPT(args)
    with torch.inference_mode():
        for start in range(0, val_tokens.numel() - 1, args.seq_len):
            span = val_tokens[start : start + args.seq_len + 1]
            x, y = span[:-1].reshape(1, -1), span[1:].reshape(1, -1)
            one = model.head(model.forward_hidden(x)).reshape(-1, args.vocab_size)
            two = second.head(second.forward_hidden(x)).reshape(-1, args.vocab_size)
            ours = F.cross_entropy(one, y.reshape(-1), reduction="none")
            theirs = F.cross_entropy(two, y.reshape(-1), reduction="none")
            nats += torch.minimum(ours, theirs).sum().item()
            size += base_bytes[y].sum().item()
    return nats / math.log(2.0) / size
"""

_MIXED = changed(
    _ORACLE,
    (
        "ours = F.cross_entropy(one, y",
        "mixed = (torch.softmax(one, -1) + torch.softmax(two, -1)) / 2\n            ours = F.nll_loss(mixed.log(), y",
    ),
    ('            theirs = F.cross_entropy(two, y.reshape(-1), reduction="none")\n', ""),
    ("torch.minimum(ours, theirs).sum()", "ours.sum()"),
)


class BetterOfTwoScores(FlowRule):
    """Two predictors score each token, and the better of the two losses is counted.

    Why: which of them is better shows only once the token is known. The minimum is the score of an oracle, and the
    probabilities that it stands for add up to more than one.
    Looks for: a minimum of two losses on the same tokens, a choice between them by comparing them, and a write of
    one over the other where a comparison says so, on the way to a reported score.
    Blind to: choices made by a rule that reads the token without comparing losses.
    Ruling: an oracle minimum was called invalid in #659.
    """

    id = "better-of-two-scores"
    condition = Condition.C1
    pattern = "other:min-nll-oracle"
    offence = "choice between two losses of one token is made by looking at them"
    sources = (
        RuleSource(
            "PR #659", "valerio-oai (reported)", "2026-03-25", "the minimum over two losses knows the token"
        ),
        RuleSource("#1017", "NoesisGenesis", "2026-03-28", "condition 1: strictly causal dependence"),
    )
    flagged = (Example("the minimum of two losses, token by token", script(_ORACLE), (), "#1366"),)
    clean = (Example("the average of two distributions", script(_MIXED), (), "#1518"),)

    def sightings(self, behaviour: Behaviour, code: CodeFacts) -> Sequence[Sighting]:
        """Return the places where the better score is kept."""
        says = "of two losses on one token the better one is kept"
        return marked(behaviour, "better-of-two-scores", says)
