"""Rule: a mixture counts something as a probability that is none."""

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

_ENTROPY = """\
def evaluate(args, model, val_tokens, base_bytes):
    nats, size = 0.0, 0.0
    weights = torch.tensor([0.8, 0.1, 0.1]).log()
    with torch.inference_mode():
        for start in range(0, val_tokens.numel() - 1, args.seq_len):
            span = val_tokens[start : start + args.seq_len + 1]
            x, y = span[:-1].reshape(1, -1), span[1:].reshape(1, -1)
            logits = model.head(model.forward_hidden(x)).reshape(-1, args.vocab_size)
            chances = torch.log_softmax(logits, dim=-1)
            loss = F.nll_loss(chances, y.reshape(-1), reduction="none")
            entropy = -(chances.exp() * chances).sum(-1)
            uniform = torch.full_like(loss, -math.log(args.vocab_size))
            experts = torch.stack([-loss, uniform, -entropy], dim=-1)
            nats -= torch.logsumexp(experts + weights, dim=-1).sum().item()
            size += base_bytes[y].sum().item()
    return nats / math.log(2.0) / size
"""
_GATE = changed(
    _ENTROPY,
    ("experts = torch.stack([-loss, uniform, -entropy], dim=-1)", "gate = torch.sigmoid(entropy - 3.0)"),
    (
        "torch.logsumexp(experts + weights, dim=-1).sum()",
        "torch.log((1 - gate) * torch.exp(-loss) + gate / args.vocab_size).sum()",
    ),
)


class EntropyUsedAsExpert(FlowRule):
    """The entropy of the model's distribution enters a mixture as if it were the log-probability of the token.

    Why: the exponential of the negative entropy is the same for every token. Summed over the vocabulary it
    comes to at least one on its own, so the mixture hands out more than one in all and every score is too good.
    Looks for: an entropy that is joined with the losses of other experts and mixed with them, on the way to a
    reported score. An entropy that only sets the weight of two distributions is no expert.
    Blind to: other numbers that are no distribution, such as margins or temperatures.
    Ruling: none by name; the condition asks for one normalised distribution.
    """

    id = "entropy-used-as-expert"
    condition = Condition.C2
    pattern = "entropy-expert"
    offence = "entropy is mixed with log-probabilities"
    sources = (
        RuleSource(
            "#1017",
            "NoesisGenesis",
            "2026-03-28",
            "condition 2: a full normalised distribution over the tokens",
        ),
    )
    flagged = (Example("the entropy is one of three experts", script(_ENTROPY), (), "#430"),)
    clean = (Example("the entropy sets the weight of a uniform distribution", script(_GATE), (), "#1148"),)

    def sightings(self, behaviour: Behaviour, code: CodeFacts) -> Sequence[Sighting]:
        """Return the places where an entropy is mixed in."""
        says = (
            "the entropy of the model's distribution is mixed in as if it were a log-probability of the token"
        )
        return marked(behaviour, "entropy-as-expert", says, 0.85)
