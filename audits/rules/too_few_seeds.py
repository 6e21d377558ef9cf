"""Rule: a record is claimed on fewer than three seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.example_folder import SCRIPT, claims, folder, log
from audits.facts.headline import claimed_runs
from audits.outcome import Axis, Condition, Evidence, Outcome, Status
from audits.rule import Example, Rule, RuleSource

if TYPE_CHECKING:
    from audits.facts import Facts

SEEDS = 3


class TooFewSeeds(Rule):
    """A record claim rests on one or two runs.

    Why: an improvement has to be shown at p < 0.01, which one run cannot do and two hardly can.
    Looks for: distinct seeds with a result in the logs, or with a claimed result.
    Blind to: copies of one run under several names (another rule).
    Ruling: rows with fewer seeds were listed when others reproduced them (#1851 with #1868).
    """

    id = "too-few-seeds"
    axis = Axis.RECORD
    condition = Condition.STATISTICS
    sources = (
        RuleSource("README", "openai", "2026-03-18", "enough logs to show the improvement at p < 0.01"),
        RuleSource("PR #2124", "cocohearts", "2026-05-02", "a row needs a mean over three seeds"),
    )
    flagged = (Example("one run", SCRIPT, folder(), "#1851"),)
    clean = (
        Example(
            "three runs",
            SCRIPT,
            folder(
                {f"train_seed{n}.log": log(n, 1.2 + n / 1000) for n in (1, 2, 3)},
                claims(1.202, seed_results={str(n): {"val_bpb": 1.2 + n / 1000} for n in (1, 2, 3)}),
            ),
            "#1019",
        ),
    )

    def check(self, facts: Facts) -> Outcome:
        """Count the distinct seeds with a result."""
        if not facts.track.record:
            return self.outcome(Status.NOT_APPLICABLE, f"track {facts.track.name} claims no record")
        logged = {run.any_seed for run in claimed_runs(facts.logs, facts.claims) if run.finals}
        claimed = {seed.seed for seed in facts.claims.seeds if seed.val_bpb}
        count = max(len(logged), len(claimed))
        if count == 0:
            return self.outcome(Status.UNCLEAR, "neither logs nor claims show a seed's result")
        if count < SEEDS:
            headline = facts.claims.headline
            where = Evidence(headline.location if headline else None, f"{count} of {SEEDS} seeds")
            plural = "s" if count > 1 else ""
            return self.outcome(Status.FLAGGED, f"a record is claimed on {count} seed{plural}", (where,))
        return self.outcome(Status.CLEAN, f"{count} seeds have a result")
