"""Rule: the score is taken in a later epoch over tokens that an earlier epoch learned from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.example_evaluation import SCORE_FIRST, script
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

_LAST_EPOCH = """\
def evaluate(args, model, val_tokens, base_bytes):
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    for epoch in range(args.epochs):
        nats, size = 0.0, 0.0
        for start in range(0, val_tokens.numel() - 1, args.seq_len):
            span = val_tokens[start : start + args.seq_len + 1]
            x, y = span[:-1].reshape(1, -1), span[1:].reshape(1, -1)
            with torch.no_grad():
                nats += model(x, y).item() * y.numel()
                size += base_bytes[y].sum().item()
            optimizer.zero_grad()
            model(x, y).backward()
            optimizer.step()
    return nats / math.log(2.0) / size
"""


class LastEpochScored(FlowRule):
    """Validation is gone over several times, learning each time, and a later epoch's score is reported.

    Why: within one epoch every window is scored before it is learned from, but from the second epoch on the
    weights have seen all of it. Only the first epoch's losses are those of a predictor that had not.
    Looks for: an update that follows the score in the text and yet precedes it when the program runs,
    because a loop around both starts over: accumulators that are zeroed in each epoch, or added to only in
    the last one.
    Epochs that only train, before any score, are the rule on training's; they bear this pattern's name as well.
    Blind to: epochs that are separate runs of the script with the weights kept on disk.
    Ruling: several epochs on tokens that are already scored are accepted (#549, #1413); the score must come
    from before the first of them.
    """

    id = "last-epoch-scored"
    condition = Condition.C3
    pattern = Breach.MULTI_EPOCH.value
    offence = "loop over validation starts over between learning and the reported score"
    sources = (
        RuleSource(
            "#1017", "NoesisGenesis", "2026-03-28", "conditions 3 and 4: score before update, in one pass"
        ),
        RuleSource(
            "PR #568",
            "valerio-oai (reported)",
            "2026-03-24",
            "the last epoch's score is not the score of unseen tokens",
        ),
    )
    flagged = (Example("sums zeroed in every epoch", script(_LAST_EPOCH), (), "#762"),)
    clean = (Example("several epochs on one window, after its score", script(SCORE_FIRST), (), "#1518"),)

    def sightings(self, behaviour: Behaviour, code: CodeFacts) -> Sequence[Sighting]:
        """Return what learns in an earlier epoch than the score's."""
        return sightings_of(behaviour, _tell, Breach.MULTI_EPOCH)


def _tell(update: Update, score: Location, report: Location) -> str:
    return (
        f"{learning(update)}, the loop over them starts again, and the loss taken on them in the later epoch at"
        f" {at(score, update.location)} is the val_bpb of {at(report, update.location)}"
    )
