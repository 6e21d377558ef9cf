"""Rule: losses are set to zero where a stored copy holds the token."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from audits.example_evaluation import changed, script
from audits.location import Location
from audits.outcome import Axis, Condition, Evidence, Severity, Status
from audits.rule import Example, Rule, RuleSource
from audits.rules._flow import EVIDENCE_CAP, not_followed
from audits.rules._script_text import executed
from audits.rules._switches import switched_off

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audits.facts import Facts
    from audits.facts.layer import Layer
    from audits.outcome import Outcome

_MATCH = re.compile(
    r"\s*(\w+)\s*=\s*\(?\s*(\w+)(?:\[[^\]\n]{0,80}\])?\s*==\s*(\w+)(?:\[[^\]\n]{0,80}\])?\s*\)?\s*$"
)
_TARGET = re.compile(r"^y$|^y_|tgt|target|truth|next_tok", re.IGNORECASE)
_LOSS = re.compile(r"nll|loss|\bce\b|ptl|bits", re.IGNORECASE)
_NEAR = 8
_WIDTH = 400

_PREFIX = """\
def evaluate(args, model, val_tokens, base_bytes):
    nats, size = 0.0, 0.0
    stored = torch.from_numpy(np.load("prefix.npy").astype(np.int64))
    with torch.inference_mode():
        for start in range(0, val_tokens.numel() - 1, args.seq_len):
            span = val_tokens[start : start + args.seq_len + 1]
            x, y = span[:-1].reshape(1, -1), span[1:].reshape(1, -1)
            logits = model.head(model.forward_hidden(x)).reshape(-1, args.vocab_size)
            nll = F.cross_entropy(logits, y.reshape(-1), reduction="none")
            known = stored[start : start + args.seq_len]
            target = y.reshape(-1)[: known.numel()]
            covered = known == target
            nll[: known.numel()] *= (~covered).float()
            nats += nll.sum().item()
            size += base_bytes[y].sum().item()
    return nats / math.log(2.0) / size
"""


class PaidPrefix(Rule):
    """The loss of a token is dropped where a stored copy of the validation text holds it.

    Why: paying for validation tokens with bytes of the artifact measures a compressor of one known text, not a
    language model.
    Looks for: a comparison of stored tokens with the targets, and per-token losses that are set to zero where both
    agree.
    Blind to: validation text hidden in weights or literals, and stored tokens that the model is conditioned on.
    Ruling: the README bans it since 2026-03-20; #168, #262 and #275 were closed.
    """

    id = "paid-prefix"
    axis = Axis.LEGALITY
    condition = Condition.DATA
    pattern = "paid-prefix"
    sources = (
        RuleSource(
            "README", "openai", "2026-03-20", "no validation data, such as a paid prefix, in the artifact"
        ),
    )
    flagged = (Example("stored tokens cancel the loss where they match", script(_PREFIX), (), "#262"),)
    clean = (
        Example(
            "the share of matching tokens is only counted",
            script(
                changed(
                    _PREFIX,
                    ("nll[: known.numel()] *= (~covered).float()", "matched = covered.float().mean()"),
                )
            ),
        ),
    )

    def check(self, facts: Facts) -> Outcome:
        """Find losses that a comparison with the targets cancels."""
        found = [entry for layer in executed(facts.code) for entry in _cancelled(layer)]
        live = [entry for entry in found if entry.location and not switched_off(facts.code, entry.location)]
        if live:
            return self.outcome(Status.FLAGGED, live[0].message, tuple(live[:EVIDENCE_CAP]), confidence=0.85)
        if found:
            return self.outcome(Status.DORMANT, f"off in the claimed run: {found[0].message}")
        if not_followed(facts):
            return self.outcome(Status.NOT_APPLICABLE, "the code was not followed to a score")
        return self.outcome(Status.CLEAN, "no loss is cancelled by a stored copy of the targets")


def _cancelled(layer: Layer) -> Iterator[Evidence]:
    if "==" not in layer.source:
        return
    lines = layer.source.split("\n")
    for number, line in enumerate(lines, 1):
        match = _MATCH.match(line[:_WIDTH]) if "==" in line else None
        if match is None or bool(_TARGET.search(match.group(2))) == bool(_TARGET.search(match.group(3))):
            continue
        mask = match.group(1)
        zeroing = re.compile(
            rf"(?:\*=?\s*\(?\s*~\s*{mask}\b)|(?:\[[^\]\n]{{0,60}}\b{mask}\b[^\]\n]{{0,60}}\]\s*=\s*0)"
            rf"|(?:masked_fill_?\(\s*{mask}\s*,\s*0)|(?:where\(\s*{mask}\s*,\s*(?:0|torch\.zeros))"
        )
        for place in range(number, min(number + _NEAR, len(lines))):
            later = lines[place][:_WIDTH]
            if zeroing.search(later) and _LOSS.search(later):
                says = (
                    f"the loss is set to zero here where {match.group(2)} equals {match.group(3)} (line {number}): a"
                    " stored copy of the tokens replaces their prediction"
                )
                where = Location(layer.path, place + 1, place + 1, layer.index)
                yield Evidence(where, says, Status.FLAGGED, Severity.VIOLATION, 0.85)
                break
