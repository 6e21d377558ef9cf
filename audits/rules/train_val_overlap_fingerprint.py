"""Rule: the run's shard and token counts are those of a training split that holds validation documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.example_folder import SCRIPT, folder, log
from audits.facts.headline import claimed_runs
from audits.outcome import Axis, Condition, Evidence, Outcome, Severity, Status
from audits.rule import Example, Rule, RuleSource

if TYPE_CHECKING:
    from audits.facts import Facts


class TrainValOverlapFingerprint(Rule):
    """The logged counts of training shards and validation tokens give away an overlapping split.

    Why: a preparation script that keeps 10,000 documents for validation puts the other 40,000 of the fixed split
    into training.
    Looks for: pairs of shard and token counts that the challenge file lists as overlapping.
    Blind to: overlapping splits with other counts; another count is therefore no proof of disjoint data.
    Ruling: the doubled `datasets/datasets` path and the script's default are no evidence (40 clean entries).
    """

    id = "train-val-overlap-fingerprint"
    axis = Axis.LEGALITY
    condition = Condition.DATA
    pattern = "train-val-overlap"
    sources = (
        RuleSource(
            "issue #2127", "leon2k2k2k", "2026-05-01", "1,499 shards with the full validation split overlap"
        ),
        RuleSource("PR #2146", "cocohearts", "2026-05-02", "an entry with this fingerprint is excluded"),
    )
    flagged = (
        Example(
            "1,499 shards",
            SCRIPT,
            folder({"train_seed42.log": log(tokens=47_851_520, shards=1_499)}),
            "#2130",
        ),
    )
    clean = (
        Example(
            "80 shards", SCRIPT, folder({"train_seed42.log": log(tokens=47_851_520, shards=80)}), "#1736"
        ),
    )

    def check(self, facts: Facts) -> Outcome:
        """Look the logged counts up in the challenge's fingerprints."""
        runs = [r for r in claimed_runs(facts.logs, facts.claims) if r.train_shards and r.val_tokens]
        if not facts.challenge.overlap_fingerprints or not runs:
            return self.outcome(Status.NOT_APPLICABLE, "no logged counts to compare with a known overlap")
        found: list[Evidence] = []
        for run in runs:
            for print_ in facts.challenge.overlap_fingerprints:
                shards, tokens = run.train_shards, run.val_tokens
                if (
                    shards
                    and tokens
                    and tokens.value == print_.val_tokens
                    and shards.value in print_.train_shards
                ):
                    message = f"{shards.value:,} training shards with {tokens.value:,} validation tokens overlap ({print_.source})"
                    found.append(Evidence(shards.location, message, severity=Severity.VIOLATION))
        if found:
            return self.outcome(Status.FLAGGED, found[0].message, tuple(found), confidence=0.85)
        counts = sorted({run.train_shards.value for run in runs if run.train_shards})
        return self.outcome(
            Status.NOT_APPLICABLE, f"train shards {counts}: not the counts of a known overlap"
        )
