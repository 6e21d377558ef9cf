"""Rule: README and submission.json state different scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.example_folder import SCRIPT, claims, folder, readme
from audits.facts.headline import agree, score_text
from audits.location import Location
from audits.outcome import Axis, Condition, Evidence, Outcome, Status
from audits.rule import Example, Rule, RuleSource

if TYPE_CHECKING:
    from audits.facts import Facts
    from audits.facts.claim import Claim


class ReadmeContradictsSubmissionJson(Rule):
    """The score in submission.json stands nowhere in the README.

    Why: both are what a reviewer and the leaderboard copy from; two numbers are one too many.
    Looks for: val_bpb (or the stated mean) of submission.json among the README's bpb numbers, to the digits of
    the coarser one; where both state seeds, seed by seed.
    Blind to: READMEs without a bpb number, pictures.
    """

    id = "readme-contradicts-submission-json"
    axis = Axis.CLAIMS
    condition = Condition.CLAIM
    sources = (
        RuleSource("README", "openai", "2026-03-18", "README explains, submission.json states the score"),
    )
    flagged = (
        Example(
            "two headlines",
            SCRIPT,
            folder(json_text=claims(1.0435), readme_text=readme("**val_bpb: 1.0577** (3 seeds)")),
            "#2118",
        ),
    )
    clean = (
        Example(
            "the same number, rounded",
            SCRIPT,
            folder(readme_text=readme("val_bpb 1.2000, mean of three")),
            "#549",
        ),
    )

    def check(self, facts: Facts) -> Outcome:
        """Look the scores of submission.json up in the README."""
        json, readme_claims = facts.claims.submission, facts.claims.readme
        headline = json.val_bpb or json.val_bpb_mean
        if headline is None or not readme_claims.bpb:
            return self.outcome(
                Status.NOT_APPLICABLE, "only one of README and submission.json states a score"
            )
        stated = [claim for claim in (json.val_bpb, json.val_bpb_mean) if claim]
        found = any(_same(claim, other) for claim in stated for other in readme_claims.bpb)
        evidence = _seeds_apart(facts)
        if not found:
            first = readme_claims.bpb[0]
            message = f"submission.json says {headline.value}, the README {first.value} and never that"
            evidence.insert(0, Evidence(headline.location, message))
        if evidence:
            return self.outcome(Status.FLAGGED, evidence[0].message, tuple(evidence), confidence=0.85)
        where = Location(
            readme_claims.path,
            readme_claims.bpb[0].location.start_line,
            readme_claims.bpb[0].location.end_line,
        )
        shown = Evidence(where, "the README states the same score", Status.CLEAN)
        return self.outcome(Status.CLEAN, f"both state {headline.value}", (shown,))


def _same(claim: Claim[float], other: Claim[float]) -> bool:
    return agree(claim.value, score_text(claim), other.value, score_text(other))


def _seeds_apart(facts: Facts) -> list[Evidence]:
    """Return the seeds whose README score is another than submission.json's."""
    rows = {seed.seed: seed.val_bpb for seed in facts.claims.readme.seeds if seed.seed is not None}
    found = []
    for seed in facts.claims.submission.seeds:
        other = rows.get(seed.seed) if seed.seed is not None else None
        # A table may give several scores a seed; only one that is nowhere in the README is a contradiction.
        if seed.val_bpb is None or other is None or _same(seed.val_bpb, other):
            continue
        if any(_same(seed.val_bpb, claim) for claim in facts.claims.readme.bpb):
            continue
        message = f"seed {seed.label}: submission.json {seed.val_bpb.value}, README {other.value}"
        found.append(Evidence(seed.val_bpb.location, message))
    return found
