"""Claim against measurement, and the one verdict of a replay.

    INVALID           the run or its evidence was tampered with
    LIMIT_EXCEEDED    a cap was passed, by our own clock or our own count
    INFRA_FAULT       the machine failed, or explains the difference
    NOT_REPRODUCED    a seed ended outside the noise band, or did not finish by its own fault
    REPRODUCED        every seed within the noise band
    NOT_RUN           nothing was run

Promises that nothing but a finished run inside the band, for every seed, is REPRODUCED, and that a fault of
the machine stays in the total.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Final

from audits.facts.statistics import Sample, p_value
from harness.replay.measurement import Ending, Fault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.replay.claimed import Claimed
    from harness.replay.interval import Interval
    from harness.replay.limits import Caps
    from harness.replay.measurement import Measurement, SeedMeasurement
    from harness.replay.plan import Plan

SLOW_SHARE: Final = 0.98
"""A machine below this share of the expected speed may explain fewer steps and a worse score."""
STD_FACTOR: Final = 3.0


class Verdict(StrEnum):
    """What a replay says of a record, worst first."""

    INVALID = "INVALID"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    INFRA_FAULT = "INFRA_FAULT"
    NOT_REPRODUCED = "NOT_REPRODUCED"
    REPRODUCED = "REPRODUCED"
    NOT_RUN = "NOT_RUN"


@dataclass(frozen=True, slots=True)
class SeedComparison:
    """One seed: what was claimed, what came out."""

    seed: int
    claimed_bpb: float | None
    measured_bpb: float | None
    """As the run printed it; `by` of the score says who took it."""
    within: bool | None
    """Inside the noise band; None where one of the two is missing."""
    verdict: Verdict
    why: str

    @property
    def difference(self) -> float | None:
        """Return measured minus claimed; positive is worse than claimed."""
        if self.claimed_bpb is None or self.measured_bpb is None:
            return None
        return self.measured_bpb - self.claimed_bpb


@dataclass(frozen=True, slots=True)
class LimitCheck:
    """One cap: claimed nowhere here, only measured."""

    name: str
    seed: int
    low: float
    high: float
    """Equal where the number was counted and not bounded."""
    cap: float
    kept: bool | None
    """None where the cap lies inside the interval."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The whole of one replay against its claim."""

    verdict: Verdict
    why: str
    band_bpb: float
    seeds: tuple[SeedComparison, ...]
    limits: tuple[LimitCheck, ...]
    mean_bpb: float | None
    std_bpb: float | None
    p_improvement: float | None
    """Against the predecessor, practised rule: any improvement."""
    p_margin: float | None
    """Written rule: an improvement of the challenge's margin."""


def compare(measurement: Measurement, plan: Plan) -> Comparison:
    """Return what the measurement says of the claim."""
    claimed = plan.claimed
    band = max(plan.noise_bpb, STD_FACTOR * (claimed.std_bpb or 0.0))
    limits = tuple(
        check for run in measurement.seeds for check in _limits(run, plan.caps, plan.artifact_cap_bytes)
    )
    seeds = tuple(
        _seed(run, claimed, band, measurement, limits, scaled=plan.scaled) for run in measurement.seeds
    )
    worst = min((entry.verdict for entry in seeds), key=list(Verdict).index, default=Verdict.NOT_RUN)
    why = next((entry.why for entry in seeds if entry.verdict is worst), "no seed was run")
    if worst is Verdict.REPRODUCED:
        why = f"every seed that was run scored within {band:.4f} val_bpb of its claim"
    scores = [entry.measured_bpb for entry in seeds if entry.measured_bpb is not None]
    before = _predecessor(claimed)
    margin = plan.margin_nats / claimed.nats_per_bpb if claimed.nats_per_bpb else None
    return Comparison(
        verdict=worst,
        why=why,
        band_bpb=band,
        seeds=seeds,
        limits=limits,
        mean_bpb=fmean(scores) if scores else None,
        std_bpb=stdev(scores) if len(scores) > 1 else None,
        p_improvement=p_value(scores, before, 0.0) if before else None,
        p_margin=p_value(scores, before, margin) if before and margin is not None else None,
    )


def _predecessor(claimed: Claimed) -> Sample | None:
    if claimed.predecessor_bpb is None:
        return None
    return Sample(claimed.predecessor_bpb, claimed.predecessor_std_bpb**2, max(claimed.predecessor_seeds, 1))


def _limits(run: SeedMeasurement, caps: Caps, artifact_cap: int | None) -> list[LimitCheck]:
    """Return how one run stands against each cap that exists."""
    found = []
    if caps.train_seconds is not None and run.spans:
        found.append(
            _timed("train_seconds", run, run.training, caps.train_seconds, caps.train_tolerance_seconds)
        )
    if caps.eval_seconds is not None and run.evaluation is not None:
        found.append(
            _timed("eval_seconds", run, run.evaluation, caps.eval_seconds, caps.eval_tolerance_seconds)
        )
    if artifact_cap is not None and run.artifact.practice is not None:
        total = float(run.artifact.practice)
        found.append(
            LimitCheck("artifact_bytes", run.seed, total, total, artifact_cap, total <= artifact_cap)
        )
    return found


def _timed(name: str, run: SeedMeasurement, seen: Interval, cap: float, tolerance: float) -> LimitCheck:
    """Return whether an interval keeps a cap."""
    kept = True if seen.high <= cap + tolerance else False if seen.low > cap + tolerance else None
    return LimitCheck(name, run.seed, seen.low, seen.high, cap, kept)


def _seed(
    run: SeedMeasurement,
    claimed: Claimed,
    band: float,
    measurement: Measurement,
    limits: Sequence[LimitCheck],
    *,
    scaled: bool,
) -> SeedComparison:
    """Return the verdict on one run."""
    stated = claimed.of(run.seed)
    measured = run.score.val_bpb if run.score else None
    within = abs(measured - stated) <= band if measured is not None and stated is not None else None
    verdict, why = _judge(run, within, [check for check in limits if check.seed == run.seed])
    if scaled and verdict in (Verdict.REPRODUCED, Verdict.NOT_REPRODUCED) and run.ending is Ending.FINISHED:
        # Another run than the claimed one can neither confirm nor refute its score.
        verdict, why = Verdict.NOT_RUN, "it ran to its end, scaled; the claim's own run was not made"
    if (
        verdict is Verdict.NOT_REPRODUCED
        and within is False
        and _slow_machine(measurement)
        and measured is not None
    ):
        assert stated is not None
        if measured > stated:
            ratio = measurement.speed.ratio if measurement.speed else None
            verdict = Verdict.INFRA_FAULT
            why = f"{why}, and this machine trains the reference at {ratio:.2f} of the expected speed"
    return SeedComparison(run.seed, stated, measured, within, verdict, f"seed {run.seed}: {why}")


def _judge(run: SeedMeasurement, within: bool | None, limits: list[LimitCheck]) -> tuple[Verdict, str]:
    """Return the verdict on one run by itself, the gravest ground first."""
    proof = next((sign for sign in run.signs if sign.proves), None)
    if proof is not None:
        return Verdict.INVALID, proof.detail
    if run.breach is not None and run.ending is Ending.STOPPED_AT_LIMIT:
        return _stopped(run)
    broken = next((check for check in limits if check.kept is False), None)
    if broken is not None:
        return Verdict.LIMIT_EXCEEDED, f"{broken.name} is {broken.low:,.1f}, the cap is {broken.cap:,.0f}"
    if run.ending is Ending.NEVER_RAN:
        return (
            Verdict.INFRA_FAULT if run.fault is Fault.INFRASTRUCTURE else Verdict.NOT_RUN,
            run.fault_evidence,
        )
    if run.ending is not Ending.FINISHED:
        return _unfinished(run)
    if run.score is None:
        return Verdict.NOT_REPRODUCED, "the run ended without a result line"
    if within is None:
        return Verdict.NOT_REPRODUCED, "no score is claimed that it could be compared with"
    return (
        (Verdict.REPRODUCED, "within the noise band")
        if within
        else (Verdict.NOT_REPRODUCED, "outside the noise band")
    )


def _stopped(run: SeedMeasurement) -> tuple[Verdict, str]:
    """Return what a stop says: a cap passed, or a run that hung."""
    from harness.replay.limits import Breached

    assert run.breach is not None
    if run.breach.breached in (Breached.TRAIN, Breached.EVALUATION):
        return Verdict.LIMIT_EXCEEDED, f"stopped: {run.breach.why} ({run.breach.seconds:.1f} s at least)"
    return _unfinished(run)


def _unfinished(run: SeedMeasurement) -> tuple[Verdict, str]:
    """Return what a run that did not finish says, by whose fault that is."""
    if run.fault is Fault.INFRASTRUCTURE or run.ending is Ending.INTERRUPTED:
        return Verdict.INFRA_FAULT, run.fault_evidence or "interrupted"
    return Verdict.NOT_REPRODUCED, run.fault_evidence or "the run failed"


def _slow_machine(measurement: Measurement) -> bool:
    """Return whether the reference run of this session shows a slow machine."""
    ratio = measurement.speed.ratio if measurement.speed else None
    return ratio is not None and ratio < SLOW_SHARE
