"""Rule: a token's probability is spread over its bytes and mixed with a byte model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.example_evaluation import EVALUATE, script
from audits.outcome import Condition
from audits.rule import Example, RuleSource
from audits.rules._flow import FlowRule, Sighting
from audits.rules._marks import marked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audits.facts.code import CodeFacts
    from audits.facts.code.behaviour import Behaviour

_BYTES = """\
def evaluate(args, model, val_tokens, base_bytes):
    nats, size = 0.0, 0.0
    byte_counts = np.ones((256, 256))
    pieces = [args.tokenizer.id_to_piece(token).encode("utf-8") for token in range(args.vocab_size)]
    for start in range(0, val_tokens.numel() - 1, args.seq_len):
        span = val_tokens[start : start + args.seq_len + 1]
        x, y = span[:-1].reshape(1, -1), span[1:].reshape(1, -1)
        with torch.no_grad():
            logits = model.head(model.forward_hidden(x))
            loss = F.cross_entropy(logits.reshape(-1, args.vocab_size), y.reshape(-1), reduction="none")
        before = 0
        for token, nll in zip(span[1:].tolist(), loss.tolist()):
            piece = pieces[token]
            share = math.exp(-nll / len(piece))
            for byte in piece:
                seen = byte_counts[before, byte] / byte_counts[before].sum()
                nats -= math.log(0.7 * share + 0.3 * seen)
                byte_counts[before, byte] += 1
                before = byte
            size += len(piece)
    return nats / math.log(2.0) / size
"""


class ByteMixtureNotOverTokens(FlowRule):
    """The loss of a token is spread evenly over its bytes, and each share is mixed with a byte model's probability.

    Why: the model predicts tokens. The n-th root of a token's probability is no distribution over the next byte, so
    what comes out of the mixture is normalised over neither bytes nor tokens.
    Looks for: a log-probability divided by the number of bytes of the token, turned into a probability and mixed with
    another one, on the way to a reported score. Native code that is handed the losses, the targets and the bytes of
    the pieces is taken to do that.
    Blind to: byte mixtures that ask the model for its probability of every continuation, which are legal.
    Ruling: byte mixtures of this kind were listed as invalid under condition 2 (#1902); the proof is in #1905.
    """

    id = "byte-mixture-not-over-tokens"
    condition = Condition.C2
    pattern = "ppm-byte-mixture"
    offence = "token probability is spread over bytes and mixed"
    sources = (
        RuleSource(
            "PR #1902", "cocohearts", "2026-04-28", "lists byte mixtures among what breaks condition 2"
        ),
        RuleSource(
            "issue #1872",
            "participants",
            "2026-04-27",
            "an even spread over bytes is not a byte distribution",
        ),
        RuleSource("PR #1905", "participants", "2026-04-28", "shows that the mixture is not normalised"),
    )
    flagged = (Example("an even share for each byte, mixed with byte counts", script(_BYTES), (), "#1854"),)
    clean = (Example("bits per byte of the token's own probability", script(EVALUATE), (), "#74"),)

    def sightings(self, behaviour: Behaviour, code: CodeFacts) -> Sequence[Sighting]:
        """Return the places where a share is mixed."""
        says = "an even share of a token's log-probability is mixed with a byte model"
        return marked(behaviour, "byte-mixed", says)
