"""What a submission claims, as the numbers that a replay is held against. Every one is the author's word."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import stdev
from typing import TYPE_CHECKING

from audits.facts.statistics import record_summary

if TYPE_CHECKING:
    from audits.facts import Facts


@dataclass(frozen=True, slots=True)
class Claimed:
    """What the submission claims, as numbers; a claim's place is in the plan."""

    seeds: tuple[tuple[int, float], ...] = ()
    """(seed, val_bpb) where it is stated for a seed."""
    mean_bpb: float | None = None
    std_bpb: float | None = None
    predecessor_bpb: float | None = None
    predecessor_std_bpb: float = 0.0
    predecessor_seeds: int = 0
    nats_per_bpb: float | None = None
    """Turns the written margin in nats per token into bpb."""

    def of(self, seed: int) -> float | None:
        """Return the score claimed for a seed, else the mean."""
        return dict(self.seeds).get(seed, self.mean_bpb)


def claimed_of(facts: Facts) -> Claimed:
    """Return the claim of a submission: scores a seed, their spread, and the row it says it beats."""
    summary = record_summary(facts)
    row = next((r for r in facts.challenge.leaderboard if r.pr == summary.predecessor_pr), None)
    spread = stdev(row.seed_bpb) if row and len(row.seed_bpb) > 1 else 0.0
    nats = summary.mean_nats / summary.mean_bpb if summary.mean_nats and summary.mean_bpb else None
    headline = facts.claims.headline
    return Claimed(
        seeds=tuple((seed, value) for seed, value in summary.seeds if seed is not None),
        mean_bpb=summary.mean_bpb or (headline.value if headline else None),
        std_bpb=summary.std_bpb,
        predecessor_bpb=summary.predecessor_bpb,
        predecessor_std_bpb=spread,
        predecessor_seeds=summary.predecessor_seeds,
        nats_per_bpb=nats,
    )
