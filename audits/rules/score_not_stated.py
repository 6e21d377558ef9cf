"""Rule: submission.json states no val_bpb."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.example_folder import SCRIPT, claims, folder
from audits.location import Location
from audits.outcome import Axis, Condition, Evidence, Outcome, Status
from audits.rule import Example, Rule, RuleSource

if TYPE_CHECKING:
    from audits.facts import Facts


class ScoreNotStated(Rule):
    """submission.json names no val_bpb, neither as the score nor as a mean.

    Why: the score is the one number that every entry has to state.
    Looks for: val_bpb and the spellings of its mean, as a finite number.
    Blind to: scores hidden in prose or under keys of the author's own making.
    """

    id = "score-not-stated"
    axis = Axis.CLAIMS
    condition = Condition.CLAIM
    sources = (
        RuleSource("README", "openai", "2026-03-18", "submission.json states name, GitHub id and val_bpb"),
    )
    flagged = (Example("null", SCRIPT, folder(json_text='{"name": "Example", "val_bpb": null}\n'), "#1073"),)
    clean = (Example("a number", SCRIPT, folder(json_text=claims(1.2)), "#549"),)

    def check(self, facts: Facts) -> Outcome:
        """Look for the score."""
        json = facts.claims.submission
        if not json.readable:
            return self.outcome(Status.NOT_APPLICABLE, "submission.json cannot be read")
        stated = json.val_bpb or json.val_bpb_mean
        if stated:
            shown = Evidence(stated.location, stated.text, Status.CLEAN)
            return self.outcome(Status.CLEAN, f"val_bpb {stated.value} is stated", (shown,))
        where = Evidence(Location(json.path, 1, 1), "there is no val_bpb")
        return self.outcome(Status.FLAGGED, "submission.json states no val_bpb", (where,))
