"""Rule: claimed training steps are other than the logged ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.example_folder import SCRIPT, claims, folder
from audits.outcome import Axis, Condition, Evidence, Outcome, Severity, Status
from audits.rule import Example, Rule, RuleSource

if TYPE_CHECKING:
    from audits.facts import Facts
    from audits.facts.claim import Claim

SLIP_SHARE = 0.01


class StepsDifferFromLogs(Rule):
    """A claimed number of training steps equals the last step of no log.

    Why: a different step count means that another run is claimed than the one that is shown.
    Looks for: claimed steps, whole and per seed, among the last steps of the logs (of that seed, where there is
    one); rounded claims count to their last digit that is not zero.
    Blind to: logs without timed steps, such as evaluations of a saved artifact.
    Ruling: accepted rows are off by a handful of steps; within one percent it is a warning.
    """

    id = "steps-differ-from-logs"
    axis = Axis.CLAIMS
    condition = Condition.CLAIM
    sources = (RuleSource("PR #86", "cocohearts", "2026-05-04", "log and claim were of different runs"),)
    flagged = (Example("another run's steps", SCRIPT, folder(json_text=claims(step_stop=5_123)), "#86"),)
    clean = (Example("as logged", SCRIPT, folder(json_text=claims(step_stop=13_780)), "#287"),)

    def check(self, facts: Facts) -> Outcome:
        """Look every claimed step count up in the logs."""
        json, readme = facts.claims.submission, facts.claims.readme
        stated: list[tuple[int | None, Claim[int]]] = [(None, json.steps)] if json.steps else []
        stated += [(row.seed, row.steps) for row in (*json.seeds, *readme.seeds) if row.steps]
        if not stated:
            return self.outcome(Status.NOT_APPLICABLE, "no step count is claimed")
        logged = [(run.any_seed, _last(run)) for run in facts.logs if _last(run)]
        if not logged:
            return self.outcome(Status.UNCLEAR, "steps are claimed, and no log shows any")
        found = [entry for seed, claim in stated if (entry := _missing(claim, seed, logged))]
        if found:
            far = any(entry.severity is Severity.VIOLATION for entry in found)
            severity = Severity.VIOLATION if far else Severity.WARNING
            return self.outcome(
                Status.FLAGGED, found[0].message, tuple(found), severity=severity, confidence=0.85
            )
        return self.outcome(Status.CLEAN, f"{len(stated)} claimed step counts stand in the logs")


def _last(run: object) -> int:
    stop, step = getattr(run, "stop", None), getattr(run, "last_step", None)
    return stop.step if stop else step.step if step else 0


def _missing(claim: Claim[int], seed: int | None, logged: list[tuple[int | None, int]]) -> Evidence | None:
    own = [steps for other, steps in logged if seed is not None and other == seed]
    candidates = own or [steps for _, steps in logged]
    mean = round(sum(candidates) / len(candidates))
    grain = 1
    while claim.value and claim.value % (grain * 10) == 0:
        grain *= 10
    if any(abs(claim.value - steps) <= max(1, grain if grain > 1 else 0) for steps in (*candidates, mean)):
        return None
    who = f"seed {seed}: " if seed is not None else ""
    nearest = min(candidates, key=lambda steps: abs(steps - claim.value))
    close = abs(claim.value - nearest) <= SLIP_SHARE * nearest
    severity = Severity.WARNING if close else Severity.VIOLATION
    return Evidence(
        claim.location, f"{who}{claim.value:,} steps claimed, {nearest:,} logged", severity=severity
    )
