"""The record arithmetic: mean and spread over seeds, and a one-sided Welch t-test against a predecessor.

Promises the written rule (an improvement of more than the challenge's margin in nats per token) and the
practised one (any improvement, at a laxer level) side by side. Decides nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean, stdev, variance
from typing import TYPE_CHECKING, NamedTuple

from audits.facts.headline import claimed_runs, scored_line

if TYPE_CHECKING:
    from audits.challenge import LeaderboardRow
    from audits.facts import Facts


@dataclass(frozen=True, slots=True)
class RecordFacts:
    """What the seeds say about a record claim. None where it cannot be told."""

    seeds: tuple[tuple[int | None, float], ...]
    """(seed, val_bpb), from the logs where they show it, else as claimed."""
    from_logs: bool
    mean_bpb: float | None = None
    std_bpb: float | None = None
    """Sample standard deviation."""
    mean_nats: float | None = None
    std_nats: float | None = None
    predecessor_pr: int | None = None
    predecessor_bpb: float | None = None
    predecessor_seeds: int = 0
    improvement_bpb: float | None = None
    """Positive when this entry is better."""
    improvement_nats: float | None = None
    """Per token, on this entry's own tokenisation."""
    p_improvement: float | None = None
    """Against no improvement at all (the practised test)."""
    p_margin: float | None = None
    """Against an improvement of the challenge's margin in nats per token (the written test)."""
    margin_nats: float = 0.005


class Sample(NamedTuple):
    """Mean, variance and size of one side of a comparison."""

    mean: float
    variance: float
    size: int


def record_summary(facts: Facts) -> RecordFacts:
    """Return the statistics of a submission against the predecessor that it names."""
    scores, losses, from_logs = _scores(facts)
    if not scores:
        return RecordFacts((), from_logs=False, margin_nats=facts.challenge.improvement_nats)
    values = [value for _, value in scores]
    row, stated = _predecessor(facts)
    before = _before(row, stated)
    nats_per_bpb = fmean(losses) / fmean(values) if losses and fmean(values) else None
    margin = facts.challenge.improvement_nats
    better = before.mean - fmean(values) if before else None
    return RecordFacts(
        seeds=tuple(scores),
        from_logs=from_logs,
        mean_bpb=fmean(values),
        std_bpb=stdev(values) if len(values) > 1 else None,
        mean_nats=fmean(losses) if losses else None,
        std_nats=stdev(losses) if len(losses) > 1 else None,
        predecessor_pr=row.pr if row else stated[0] if stated else None,
        predecessor_bpb=before.mean if before else None,
        predecessor_seeds=len(row.seed_bpb) if row else 0,
        improvement_bpb=better,
        improvement_nats=better * nats_per_bpb if better is not None and nats_per_bpb else None,
        p_improvement=p_value(values, before, 0.0) if before else None,
        p_margin=p_value(values, before, margin / nats_per_bpb) if before and nats_per_bpb else None,
        margin_nats=margin,
    )


def p_value(values: list[float], before: Sample, margin: float) -> float | None:
    """Return the one-sided p of 'the improvement is at most `margin`' (Welch; None below two seeds)."""
    if len(values) < 2:
        return None
    own = variance(values) / len(values)
    other = before.variance / before.size if before.size > 1 else 0.0
    if own + other <= 0.0:
        return None
    statistic = (fmean(values) - (before.mean - margin)) / math.sqrt(own + other)
    spread = own**2 / (len(values) - 1) + (other**2 / (before.size - 1) if before.size > 1 else 0.0)
    if spread <= 0.0:
        return None
    # The distribution function alone: scipy.stats costs a second to import.
    from scipy.special import stdtr

    return float(stdtr((own + other) ** 2 / spread, statistic))


def _scores(facts: Facts) -> tuple[list[tuple[int | None, float]], list[float], bool]:
    """Return (seed, bpb) and losses, one a seed: the logged ones, else the claimed ones."""
    logged: dict[int | None, tuple[float, float | None]] = {}
    for run in claimed_runs(facts.logs, facts.claims):
        found = scored_line(run, facts.claims)
        if found is not None and (found.claimed or run.any_seed not in logged):
            logged[run.any_seed] = (found.line.val_bpb, found.line.val_loss)
    claimed = {seed.seed: seed for seed in facts.claims.seeds if seed.val_bpb and seed.seed is not None}
    if logged and not set(claimed) - set(logged):
        wanted = {seed: pair for seed, pair in logged.items() if not claimed or seed in claimed}
        losses = [loss for _, loss in wanted.values() if loss is not None]
        return (
            [(s, bpb) for s, (bpb, _) in wanted.items()],
            losses if len(losses) == len(wanted) else [],
            True,
        )
    rows: list[tuple[int | None, float]] = [
        (number, entry.val_bpb.value) for number, entry in claimed.items() if entry.val_bpb
    ]
    losses = [entry.val_loss.value for entry in claimed.values() if entry.val_loss]
    return rows, losses if len(losses) == len(rows) else [], False


def _predecessor(facts: Facts) -> tuple[LeaderboardRow | None, tuple[int, float] | None]:
    """Return the best accepted row that the submission compares itself with, else its own word for one."""
    named = [facts.claims.submission.predecessor_pr.value] if facts.claims.submission.predecessor_pr else []
    named += [entry.pr for entry in facts.claims.readme.predecessors]
    own = facts.submission.origin.pr
    headline = facts.claims.headline
    rows = [
        row
        for row in facts.challenge.leaderboard
        if row.pr in named
        and (own is None or row.pr < own)
        # A merged folder names its own pull request too; it is no predecessor of itself.
        and not (headline and abs(row.val_bpb - headline.value) < 1e-6)
    ]
    if rows:
        return min(rows, key=lambda row: row.val_bpb), None
    stated = [
        (e.pr, e.val_bpb)
        for e in facts.claims.readme.predecessors
        # A number beside a pull request may be a margin or a learning rate; a score is of the same size.
        if e.val_bpb and e.pr != own and headline and headline.value / 2 < e.val_bpb < headline.value * 2
    ]
    return None, stated[0] if stated else None


def _before(row: LeaderboardRow | None, stated: tuple[int, float] | None) -> Sample | None:
    if row is not None:
        seeds = row.seed_bpb
        if len(seeds) > 1:
            return Sample(fmean(seeds), variance(seeds), len(seeds))
        return Sample(row.val_bpb, 0.0, 1)
    return Sample(stated[1], 0.0, 1) if stated else None
