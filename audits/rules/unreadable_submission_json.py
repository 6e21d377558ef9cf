"""Rule: submission.json cannot be read, or only with guesses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.example_folder import SCRIPT, claims, folder
from audits.location import Location
from audits.outcome import Axis, Condition, Evidence, Outcome, Severity, Status
from audits.rule import Example, Rule, RuleSource

if TYPE_CHECKING:
    from audits.facts import Facts


class UnreadableSubmissionJson(Rule):
    """submission.json is no JSON object, or states something twice or as no number.

    Why: the leaderboard reads it; what a lenient reader makes of it is a guess.
    Looks for: truncation, trailing data, wrong encodings, nesting beyond all sense, duplicate keys, NaN, scores
    written as text.
    Blind to: values that are well-formed and wrong.
    """

    id = "unreadable-submission-json"
    axis = Axis.CLAIMS
    condition = Condition.CLAIM
    sources = (RuleSource("corpus", "measured", "2026-05-02", "8 of 1,783 submission.json do not parse"),)
    flagged = (
        Example("cut off", SCRIPT, folder(json_text=claims()[:40]), "#345"),
        Example("the score twice", SCRIPT, folder(json_text='{"val_bpb": 1.2, "val_bpb": 1.1}\n'), "#1055"),
    )
    clean = (Example("an object", SCRIPT, folder(), "#549"),)

    def check(self, facts: Facts) -> Outcome:
        """Report what was odd about the file."""
        json = facts.claims.submission
        if any(problem.code == "missing" for problem in json.problems):
            return self.outcome(Status.NOT_APPLICABLE, "there is no submission.json")
        if not json.problems:
            return self.outcome(Status.CLEAN, "submission.json is a JSON object")
        if all(problem.code == "absent" for problem in json.problems):
            return self.outcome(Status.UNCLEAR, json.problems[0].message)
        serious = any(p.fatal or p.code in ("duplicate-key", "not-a-number") for p in json.problems)
        severity = Severity.VIOLATION if serious else Severity.WARNING
        evidence = tuple(
            Evidence(Location(json.path, p.line, p.line), f"{p.code}: {p.message}", severity=severity)
            for p in json.problems[:20]
        )
        return self.outcome(Status.FLAGGED, evidence[0].message, evidence, severity=severity)
