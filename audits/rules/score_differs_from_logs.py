"""Rule: a claimed score stands in no log."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING

from audits.example_folder import SCRIPT, claims, folder, log
from audits.facts.claim import decimals
from audits.facts.headline import agree, score_text, scored_line
from audits.outcome import Axis, Condition, Evidence, Outcome, Status
from audits.rule import Example, Rule, RuleSource

if TYPE_CHECKING:
    from audits.facts import Facts
    from audits.facts.claim import Claim

MIN_DECIMALS = 3


class ScoreDiffersFromLogs(Rule):
    """A claimed val_bpb equals no result in the logs, neither a seed's nor the mean over them.

    Why: the log has to be the run that the entry claims; a score without its log cannot be checked.
    Looks for: every seed's claimed score in that seed's logs, and the headline among the results, the claimed
    seeds and their mean (best seed and mean are both in use), to the digits that were printed.
    Blind to: logs edited to fit; scores claimed with fewer than three decimals.
    """

    id = "score-differs-from-logs"
    axis = Axis.CLAIMS
    condition = Condition.CLAIM
    sources = (
        RuleSource("README", "openai", "2026-03-18", "the train log is produced by the submitted script"),
        RuleSource(
            "PR #86", "cocohearts", "2026-05-04", "the included log was another run than the one claimed"
        ),
        RuleSource("PR #2118", "reviewers", "2026-05-02", "headline in the JSON, other numbers in the logs"),
    )
    flagged = (
        Example(
            "the headline is better than the log",
            SCRIPT,
            folder({"train_seed42.log": log(val_bpb=1.2044)}, claims(1.1502)),
            "#86",
        ),
    )
    clean = (
        Example("the log's own number", SCRIPT, folder(), "#549"),
        Example(
            "the mean over the seeds",
            SCRIPT,
            folder(
                {"train_seed1.log": log(1, 1.2000), "train_seed2.log": log(2, 1.2002)},
                claims(1.2001, seed_results={"1": {"val_bpb": 1.2}, "2": {"val_bpb": 1.2002}}),
            ),
            "#1019",
        ),
    )

    def check(self, facts: Facts) -> Outcome:
        """Look every claimed score up in the logs."""
        headline = facts.claims.submission.val_bpb or facts.claims.submission.val_bpb_mean
        seeds = [seed for seed in facts.claims.seeds if seed.val_bpb]
        if headline is None and not seeds:
            return self.outcome(Status.NOT_APPLICABLE, "submission.json claims no score")
        runs = [run for run in facts.logs if run.finals or run.last_val_bpb]
        if not runs:
            return self.outcome(Status.UNCLEAR, "no log shows a score")
        missing = [
            Evidence(
                seed.val_bpb.location, f"seed {seed.label}: {seed.val_bpb.value} is in no log of that seed"
            )
            for seed in seeds
            if seed.val_bpb and not _found(seed.val_bpb, _results(facts, seed.seed))
        ]
        if headline is not None and not _headline_found(headline, facts):
            message = f"val_bpb {headline.value} equals no logged result and no mean over them"
            missing.insert(
                0, Evidence(headline.location, f"{message}; closest is {_closest(headline, facts)}")
            )
        if missing:
            return self.outcome(Status.FLAGGED, "; ".join(e.message for e in missing[:3]), tuple(missing))
        count = len(seeds) + (headline is not None)
        return self.outcome(Status.CLEAN, f"{count} claimed scores stand in the logs")


Result = tuple[float, str]


def _results(facts: Facts, seed: int | None) -> list[Result]:
    """Return the logged results of a seed, of all logs where none is of that seed."""
    own = [run for run in facts.logs if seed is not None and run.any_seed == seed and run.finals]
    found: list[Result] = []
    for run in own or facts.logs:
        found += [(final.val_bpb, final.bpb_text) for final in run.finals]
        if run.last_val_bpb:
            found.append((run.last_val_bpb.value, repr(run.last_val_bpb.value)))
    return found


def _found(claim: Claim[float], results: list[Result]) -> bool:
    text = score_text(claim)
    if decimals(text) < MIN_DECIMALS:
        return True
    return any(agree(claim.value, text, value, printed) for value, printed in results)


def _headline_found(headline: Claim[float], facts: Facts) -> bool:
    seeds = [seed.val_bpb.value for seed in facts.claims.seeds if seed.val_bpb]
    scored = [found.line.val_bpb for run in facts.logs if (found := scored_line(run, facts.claims))]
    means = [(fmean(group), f"{fmean(group):.6f}") for group in (seeds, scored) if group]
    return _found(headline, [*_results(facts, None), *means])


def _closest(claim: Claim[float], facts: Facts) -> str:
    results = _results(facts, None)
    return min(results, key=lambda result: abs(result[0] - claim.value))[1] if results else "none"
