"""Rule: claimed bytes are other than the logged ones."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

from audits.example_folder import SCRIPT, claims, folder, log
from audits.outcome import Axis, Condition, Evidence, Outcome, Severity, Status
from audits.rule import Example, Rule, RuleSource

if TYPE_CHECKING:
    from audits.facts import Facts
    from audits.facts.artifact import SeedArtifact
    from audits.facts.claim import Claim

SLIP_SHARE = 0.01


class Difference(NamedTuple):
    """One claimed total that no log states."""

    evidence: Evidence
    hides: bool
    """The logged total is over the cap and the claimed one is not."""


class BytesDifferFromLogs(Rule):
    """A claimed artifact size equals no logged total.

    Why: a smaller number in the JSON can hide an artifact over the cap; the log is the evidence.
    Looks for: claimed totals (whole and per seed) among the logged totals, the logged model bytes, and model
    plus the committed code; rounded claims count to their last digit that is not zero.
    Blind to: which of several logs of one seed is meant; any of them will do.
    Ruling: accepted rows state maxima, means and numbers that are a few kilobytes off; within one percent of the
    logged total, and on the same side of the cap, it is a warning. A total that follows from logged model plus committed code is right, yet when the logged total is
    over the cap the reader must be told (#1231, #1835).
    """

    id = "bytes-differ-from-logs"
    axis = Axis.CLAIMS
    condition = Condition.CLAIM
    sources = (
        RuleSource("PR #861", "measured", "2026-03-26", "15.51 MB claimed, 16,265,723 bytes logged"),
        RuleSource("PR #1231", "author", "2026-04-01", "totals claimed for a script minified after the runs"),
    )
    flagged = (
        Example(
            "a claim below the cap, a log above it",
            SCRIPT,
            folder(
                {"train_seed42.log": log(model=15_937_372, code=88_253)},
                claims(bytes_total=15_937_372 + len(SCRIPT)),
            ),
            "#1231",
        ),
        Example("a number from nowhere", SCRIPT, folder(json_text=claims(bytes_total=15_123_457)), "#1715"),
    )
    clean = (
        Example("as logged", SCRIPT, folder(json_text=claims(bytes_total=15_800_000 + len(SCRIPT))), "#549"),
        Example("rounded", SCRIPT, folder(json_text=claims(bytes_total=15_800_000)), "#180"),
    )

    def check(self, facts: Facts) -> Outcome:
        """Look every claimed size up in the logs."""
        logged = [seed for seed in facts.artifact.seeds if seed.from_log]
        stated = _stated(facts)
        if not stated:
            return self.outcome(Status.NOT_APPLICABLE, "no size is claimed")
        if not logged:
            return self.outcome(Status.UNCLEAR, f"{len(stated)} sizes are claimed, and no log shows one")
        found = [d for seed, claim in stated if (d := _difference(claim, seed, logged, facts))]
        if not found:
            return self.outcome(Status.CLEAN, f"{len(stated)} claimed sizes stand in the logs")
        serious = any(d.hides or d.evidence.severity is Severity.VIOLATION for d in found)
        found.sort(key=lambda d: not d.hides)
        return self.outcome(
            Status.FLAGGED,
            "; ".join(d.evidence.message for d in found[:2]),
            tuple(d.evidence for d in found),
            severity=Severity.VIOLATION if serious else Severity.WARNING,
            confidence=0.9,
        )


def _stated(facts: Facts) -> list[tuple[int | None, Claim[int]]]:
    json, readme = facts.claims.submission, facts.claims.readme
    whole: list[tuple[int | None, Claim[int]]] = [(None, json.bytes_total)] if json.bytes_total else []
    rows = [*json.seeds, *readme.seeds]
    return whole + [(row.seed, row.bytes_total) for row in rows if row.bytes_total]


def _difference(
    claim: Claim[int], seed: int | None, logged: list[SeedArtifact], facts: Facts
) -> Difference | None:
    own = [run for run in logged if seed is not None and run.seed == seed] or logged
    step = _rounding(claim.value)
    stated = [run.logged_total for run in own if run.logged_total]
    means = [round(fmean(stated))] if seed is None and stated else []
    if any(abs(claim.value - total) <= max(step, 1 if total in means else 0) for total in (*stated, *means)):
        return None
    cap = facts.track.artifact_bytes
    derived = [run for run in own if _derived(claim.value, run, step)]
    totals = [run.logged_total for run in own if run.logged_total]
    highest = max(totals, default=0)
    hides = cap is not None and highest > cap >= claim.value
    who = f"seed {seed}: " if seed is not None else ""
    if derived and not hides:
        return None
    message = (
        f"{who}{claim.value:,} bytes claimed, {highest:,} logged"
        if totals
        else (f"{who}{claim.value:,} bytes claimed, the log counts a model of {own[0].model_bytes:,}")
    )
    if derived:
        message += (
            f"; the claim is the logged model plus the committed {facts.artifact.code.readme:,} bytes of code"
        )
    if hides:
        message += f"; the logged total is over the cap of {cap:,}"
    far = bool(totals) and min(abs(claim.value - total) for total in totals) > SLIP_SHARE * highest
    severity = Severity.VIOLATION if hides or (far and not derived) else Severity.WARNING
    return Difference(Evidence(claim.location, message, severity=severity), hides)


def _derived(value: int, run: SeedArtifact, step: int) -> bool:
    totals = (run.model_bytes, run.readme, run.strict, run.practice)
    return any(total is not None and abs(value - total) <= step for total in totals)


def _rounding(value: int) -> int:
    """Return how far a rounded claim may be off: the place of its last digit that is not zero."""
    step = 1
    while value and value % (step * 10) == 0 and step < 1_000_000:
        step *= 10
    return step if step >= 1_000 else 0
