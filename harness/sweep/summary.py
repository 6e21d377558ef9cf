"""The figures of one submission that tables and charts show, taken from its facts.

Promises that a claim stays a claim: nothing here is measured but the bytes of committed code.
"""

from __future__ import annotations

import math
from statistics import fmean
from typing import TYPE_CHECKING

from audits.facts.headline import claimed_runs, line_with_loss, scored_line
from harness.report.comparison import runs_of
from harness.sweep.records import Summary

if TYPE_CHECKING:
    from collections.abc import Iterable

    from audits.facts import Facts
    from audits.facts.claim import Claim
    from audits.facts.logs import LogFacts

_MAX_TEXT = 300


def summarise(facts: Facts) -> Summary:
    """Return the figures of one submission."""
    claims, claim = facts.claims.submission, facts.claims.headline
    runs = [run for run in runs_of(facts) if run.val_bpb is not None]
    scored = [
        line.line.val_bpb
        for log in claimed_runs(facts.logs, facts.claims)
        if (line := scored_line(log, facts.claims)) is not None
    ]
    logged_totals = [seed.logged_total for seed in facts.artifact.seeds if seed.logged_total]
    claimed_total = facts.artifact.claimed_total
    tokens, implied = _implied(facts)
    return Summary(
        name=_text(claims.name),
        author=_text(claims.author),
        github_id=_text(claims.github_id),
        date=_text(claims.date),
        claimed_bpb=_finite(claim.value) if claim else None,
        claimed_at=f"{claim.location.path}:{claim.location.start_line}" if claim else "",
        logged_bpb=_finite(fmean(scored)) if scored else None,
        logs=len(runs),
        seeds=tuple(sorted({run.seed for run in runs if run.seed is not None})),
        artifact_bytes=max(logged_totals, default=claimed_total.value if claimed_total else None),
        code_bytes=facts.artifact.code.practice,
        train_seconds=_largest((run.train_seconds for run in runs), claims.train_seconds),
        eval_seconds=_largest((run.eval_seconds for run in runs), claims.eval_seconds),
        val_tokens=tokens,
        implied_bytes=implied,
        vocab_size=_vocab_size(facts.logs),
        hardware=_text(next((log.gpu_name for log in facts.logs if log.gpu_name), None)),
    )


def _implied(facts: Facts) -> tuple[int | None, float | None]:
    """Return val_tokens, and the bytes that loss, bpb and tokens of one scored line imply together.

    bpb = loss / ln 2 * tokens / bytes, so bytes = loss / ln 2 * tokens / bpb.
    """
    tokens = None
    for log in claimed_runs(facts.logs, facts.claims):
        tokens = log.val_tokens.value if log.val_tokens else tokens
        line = line_with_loss(log, facts.claims)
        if tokens and line is not None and line.val_loss and line.val_bpb:
            return tokens, _finite(line.val_loss / math.log(2) * tokens / line.val_bpb)
    return tokens, None


def _largest(logged: Iterable[float | None], claimed: Claim[float] | None) -> float | None:
    known = [seconds for seconds in logged if seconds is not None and math.isfinite(seconds)]
    if known:
        return max(known)
    return _finite(claimed.value) if claimed else None


def _vocab_size(logs: tuple[LogFacts, ...]) -> int | None:
    for log in logs:
        for name, value, _ in log.hyperparameters:
            if name.lower() == "vocab_size" and value.isascii() and value.isdigit() and len(value) < 9:
                return int(value)
    return None


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _text(claim: Claim[str] | None) -> str:
    return claim.value[:_MAX_TEXT] if claim else ""
