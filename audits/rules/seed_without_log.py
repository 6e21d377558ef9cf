"""Rule: a claimed seed has no log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.example_folder import SCRIPT, claims, folder, log
from audits.outcome import Axis, Condition, Evidence, Outcome, Severity, Status
from audits.rule import Example, Rule, RuleSource

if TYPE_CHECKING:
    from audits.facts import Facts


class SeedWithoutLog(Rule):
    """A result is claimed for a seed of which no log is in the folder.

    Why: a mean over seeds can only be checked when every seed's log is there.
    Looks for: each seed with a claimed score in the seeds that logs print or that their names carry.
    Blind to: logs that name no seed; when their number suffices, they are taken to be the missing ones.
    """

    id = "seed-without-log"
    axis = Axis.CLAIMS
    condition = Condition.CLAIM
    sources = (RuleSource("README", "openai", "2026-03-18", "logs of enough runs to show the improvement"),)
    flagged = (
        Example(
            "three seeds, one log",
            SCRIPT,
            folder(
                {"train_seed1.log": log(1)},
                claims(seed_results={"1": {"val_bpb": 1.2}, "2": {"val_bpb": 1.21}, "3": {"val_bpb": 1.19}}),
            ),
            "#1728",
        ),
    )
    clean = (
        Example(
            "one log each",
            SCRIPT,
            folder(
                {"train_seed1.log": log(1), "train_seed2.log": log(2, 1.21)},
                claims(1.205, seed_results={"1": {"val_bpb": 1.2}, "2": {"val_bpb": 1.21}}),
            ),
            "#1019",
        ),
    )

    def check(self, facts: Facts) -> Outcome:
        """Match the claimed seeds with the logs."""
        claimed = {seed.seed: seed for seed in facts.claims.seeds if seed.val_bpb and seed.seed is not None}
        if not claimed:
            return self.outcome(Status.NOT_APPLICABLE, "no score is claimed for a seed")
        runs = [run for run in facts.logs if run.informative]
        if not runs:
            return self.outcome(Status.UNCLEAR, "no log shows any of the claimed seeds")
        printed = {run.seed.value for run in runs if run.seed} | {
            run.name_seed for run in runs if run.name_seed is not None
        }
        missing = [seed for number, seed in claimed.items() if number not in printed]
        unnamed = [run for run in runs if run.any_seed is None]
        if len(missing) <= len(unnamed):
            return self.outcome(Status.CLEAN, f"{len(claimed)} claimed seeds have a log")
        evidence = tuple(
            Evidence(seed.val_bpb.location if seed.val_bpb else None, f"seed {seed.label} has no log")
            for seed in missing
        )
        names = ", ".join(str(seed.seed) for seed in missing[:8])
        severity = Severity.VIOLATION if facts.track.record else Severity.WARNING
        return self.outcome(Status.FLAGGED, f"no log of seed {names}", evidence, severity=severity)
