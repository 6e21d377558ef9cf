"""Claim beside measurement: what the author states, what the logs state, what was counted here.

Promises that the three never share a cell. Numbers from a submitted log are claims too; only bytes of
files that lie in the folder are measured; a sum of both says which part is whose.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audits.facts.headline import scored_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from audits.facts import Facts
    from audits.facts.artifact import ArtifactFacts
    from audits.facts.claim import Claim
    from audits.facts.logs import LogFacts
    from audits.policy import Policy


@dataclass(frozen=True, slots=True)
class Row:
    """One quantity with its limit and the three places it may come from. Empty means not stated."""

    quantity: str
    limit: str = ""
    claimed: str = ""
    claimed_at: str = ""
    """`path:line` of the claim."""
    logged: str = ""
    logged_at: str = ""
    measured: str = ""
    """Counted by Referee on the submitted files."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one submitted log states about its run."""

    path: str
    seed: int | None
    val_bpb: float | None
    label: str
    """The label of the result line that `val_bpb` stands on."""
    train_seconds: float | None
    eval_seconds: float | None
    artifact_bytes: int | None
    """Logged model bytes plus counted code, under the practised reading."""


def runs_of(facts: Facts) -> tuple[Run, ...]:
    """Return one entry a run that states something."""
    totals = {(entry.path, entry.location.start_line): entry.practice for entry in facts.artifact.seeds}
    return tuple(_run(log, facts, totals) for log in facts.logs if log.informative)


def rows_of(facts: Facts, policy: Policy) -> tuple[Row, ...]:
    """Return the comparison table, without rows that nobody says anything about."""
    rows = (
        _score(facts),
        *_bytes(facts, policy),
        _train(facts, policy),
        _eval(facts),
        _seeds(facts),
        _hardware(facts),
    )
    return tuple(row for row in rows if row.claimed or row.logged or row.measured)


def _run(log: LogFacts, facts: Facts, totals: dict[tuple[str, int], int | None]) -> Run:
    """Return one run, with the result line that the claimed score stands on."""
    size, scored = log.model or log.total, scored_line(log, facts.claims)
    final = scored.line if scored else None
    train = log.train_milliseconds
    return Run(
        path=log.path,
        seed=log.any_seed,
        val_bpb=final.val_bpb if final else None,
        label=final.label if final else "",
        train_seconds=train / 1000 if train is not None else None,
        eval_seconds=_eval_seconds(log, final.eval_seconds if final else None),
        artifact_bytes=totals.get((log.path, size.line)) if size else None,
    )


def _eval_seconds(log: LogFacts, on_line: float | None) -> float | None:
    """Return the total evaluation time that the run prints, else the scored line's own."""
    return log.total_eval[-1].seconds if log.total_eval else on_line


def _score(facts: Facts) -> Row:
    """Return the row of the headline score."""
    claim = facts.claims.headline
    scores = [run.val_bpb for run in runs_of(facts) if run.val_bpb is not None]
    logged = ", ".join(f"{score:.5f}" for score in scores[:5])
    return Row("val_bpb", "", *_claim(claim), logged=logged, logged_at=_paths(runs_of(facts)))


def _bytes(facts: Facts, policy: Policy) -> Iterator[Row]:
    """Yield the rows of artifact and code bytes."""
    artifact, cap = facts.artifact, facts.track.artifact_bytes
    limit = f"≤ {cap:,}" if cap else ""
    largest = max(
        (s for s in artifact.seeds if s.logged_total), key=lambda s: s.logged_total or 0, default=None
    )
    yield Row(
        "artifact bytes (largest seed)",
        limit,
        *_claim(artifact.claimed_total),
        logged=f"{largest.logged_total:,}" if largest else "",
        logged_at=f"{largest.location.path}:{largest.location.start_line}" if largest else "",
    )
    yield from _readings(artifact, limit, policy.size_reading)
    code = artifact.code
    logged_code = next((s for s in artifact.seeds if s.logged_code), None)
    yield Row(
        "code bytes",
        "",
        *_claim(facts.claims.submission.bytes_code),
        logged=f"{logged_code.logged_code:,}" if logged_code else "",
        logged_at=logged_code.path if logged_code else "",
        measured=f"{code.readme:,} as committed" if code.readme is not None else "",
    )


def _readings(artifact: ArtifactFacts, limit: str, binding: str) -> Iterator[Row]:
    """Yield the largest total under each reading; the limit stands beside the one that binds."""
    by_total: dict[str, list[str]] = {}
    for reading in ("practice", "readme", "strict"):
        sums = [
            (getattr(s, reading), s.model_bytes) for s in artifact.seeds if getattr(s, reading) is not None
        ]
        if sums:
            total, model = max(sums)
            text = f"{total:,} = {model:,} as logged + {total - model:,} of code"
            by_total.setdefault(text, []).append(reading)
    for text, readings in by_total.items():
        names = "every reading" if len(readings) == 3 else " and ".join(readings) + " reading"
        yield Row(f"artifact bytes, {names}", limit if binding in readings else "", measured=text)


def _train(facts: Facts, policy: Policy) -> Row:
    """Return the row of training time."""
    cap, runs = facts.track.train_seconds, runs_of(facts)
    slowest = max((r for r in runs if r.train_seconds), key=lambda r: r.train_seconds or 0, default=None)
    tolerance = " + a step" if policy.one_step_tolerance else ""
    return Row(
        "training seconds",
        f"≤ {cap:g}{tolerance}" if cap else "",
        *_claim(facts.claims.submission.train_seconds),
        logged=f"{slowest.train_seconds:.3f}" if slowest else "",
        logged_at=slowest.path if slowest else "",
    )


def _eval(facts: Facts) -> Row:
    """Return the row of evaluation time."""
    cap, runs = facts.track.eval_seconds, runs_of(facts)
    slowest = max((r for r in runs if r.eval_seconds), key=lambda r: r.eval_seconds or 0, default=None)
    logged = f"{slowest.eval_seconds:.1f}" if slowest else ""
    claim = facts.claims.submission.eval_seconds
    return Row(
        "evaluation seconds",
        f"≤ {cap:g}" if cap else "",
        *_claim(claim),
        logged,
        slowest.path if slowest else "",
    )


def _seeds(facts: Facts) -> Row:
    """Return the row of seeds: how many are claimed, which ones the logs hold."""
    submission = facts.claims.submission
    claimed = submission.seed_count or len(facts.claims.seeds)
    logged = sorted({run.seed for run in runs_of(facts) if run.seed is not None})
    return Row(
        "seeds",
        "",
        f"{claimed}" if claimed else "",
        submission.path if claimed and submission.readable else "",
        ", ".join(str(seed) for seed in logged),
    )


def _hardware(facts: Facts) -> Row:
    """Return the row of hardware."""
    track = facts.track
    limit = f"{track.world_size} × {track.gpu_name}" if track.gpu_name else _processes(track.world_size)
    claim = next(iter(facts.claims.submission.hardware or facts.claims.readme.hardware), None)
    named = next((log for log in facts.logs if log.gpu_name), None)
    world = next((log.world_size.value for log in facts.logs if log.world_size), None)
    logged = ", ".join(part for part in (_processes(world), _value(named.gpu_name) if named else "") if part)
    return Row("hardware", limit, *_claim(claim), logged, named.path if named and logged else "")


def _processes(count: int | None) -> str:
    """Return how many processes ran, in words."""
    return "" if count is None else f"{count} process{'es' if count != 1 else ''}"


def _claim(claim: Claim[int] | Claim[float] | Claim[str] | None) -> tuple[str, str]:
    """Return a claim's value and its place."""
    if claim is None:
        return "", ""
    return _value(claim), f"{claim.location.path}:{claim.location.start_line}"


def _value(claim: Claim[int] | Claim[float] | Claim[str] | None) -> str:
    """Return a claim's value as text."""
    if claim is None:
        return ""
    return f"{claim.value:,}" if isinstance(claim.value, int) else f"{claim.value}"


def _paths(runs: Iterable[Run]) -> str:
    """Return the log file, or how many there are."""
    paths = list(dict.fromkeys(run.path for run in runs if run.val_bpb is not None))
    return f"{len(paths)} logs" if len(paths) > 1 else "".join(paths)
