"""Rule: training runs longer than the track allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.example_folder import SCRIPT, folder, log
from audits.facts.headline import claimed_runs
from audits.location import Location
from audits.outcome import Axis, Condition, Evidence, Outcome, Severity, Status
from audits.rule import Example, Rule, RuleSource

if TYPE_CHECKING:
    from audits.facts import Facts
    from audits.facts.logs import LogFacts


class TrainSecondsOverCap(Rule):
    """The accumulated training time passes the track's cap by more than the step that was running.

    Why: a record must train reproducibly within ten minutes on the track's hardware.
    Looks for: the training clock at the stop line, else at the last timed step, of every claimed run.
    Blind to: a clock that the script itself stops too early; data read after the loop (another rule).
    Ruling: the baseline itself stops at 600,038 ms, so less than one step or one second past the cap passes
    and is only noted; a second and more was sent back (#1908, #1945).
    """

    id = "train-seconds-over-cap"
    axis = Axis.LIMITS
    condition = Condition.TIME
    sources = (
        RuleSource("README", "openai", "2026-03-18", "training reproducibly under ten minutes on 8xH100 SXM"),
        RuleSource("PR #1908", "reviewers", "2026-04-28", "601,153 ms had to be run again"),
    )
    flagged = (
        Example(
            "fifteen minutes on the ten-minute track",
            SCRIPT,
            folder({"train_seed42.log": log(stop_ms=900_050, cap=900.0)}),
            "#1118",
        ),
    )
    clean = (Example("inside the cap", SCRIPT, folder({"train_seed42.log": log(stop_ms=599_956)}), "#339"),)

    def check(self, facts: Facts) -> Outcome:
        """Compare the training clock of every claimed run with the cap."""
        runs = [run for run in claimed_runs(facts.logs, facts.claims) if run.train_milliseconds]
        cap = facts.track.train_seconds
        if cap is None:
            return self._compared(facts, runs)
        if not runs:
            return self._claimed_only(facts, cap)
        late = [(run, _seconds(run) - cap) for run in runs if _seconds(run) > cap]
        beyond = [(run, over) for run, over in late if over >= _tolerance(run, facts)]
        if beyond:
            worst = max(_seconds(run) for run, _ in beyond)
            return self.outcome(
                Status.FLAGGED,
                f"{len(beyond)} of {len(runs)} runs train past {cap:,.0f} s: {worst:,.3f} s at worst",
                tuple(_evidence(run, cap, Severity.VIOLATION) for run, _ in beyond),
                confidence=0.9,
            )
        if late:
            return self.outcome(
                Status.FLAGGED,
                f"the last step ends up to {max(over for _, over in late):.3f} s past {cap:,.0f} s, as the"
                " baseline's does",
                tuple(_evidence(run, cap, Severity.NOTE) for run, _ in late),
                severity=Severity.NOTE,
                dispute="one-step-overshoot",
            )
        seen = tuple(_evidence(run, cap, Severity.NOTE, Status.CLEAN) for run in runs)
        return self.outcome(Status.CLEAN, f"{len(runs)} runs stop within {cap:,.0f} s", seen)

    def _compared(self, facts: Facts, runs: list[LogFacts]) -> Outcome:
        """Report long runs of a track without a time limit against the record track's."""
        reference = facts.challenge.track(facts.track.reference)
        limit = reference.train_seconds if reference else None
        late = [run for run in runs if limit is not None and _seconds(run) >= limit + _tolerance(run, facts)]
        if not late or limit is None:
            return self.outcome(Status.NOT_APPLICABLE, f"track {facts.track.name} sets no training time")
        return self.outcome(
            Status.FLAGGED,
            f"{max(map(_seconds, late)):,.1f} s of training; track {facts.track.name} sets no limit (a record: "
            f"{limit:,.0f} s)",
            tuple(_evidence(run, limit, Severity.NOTE) for run in late),
            severity=Severity.NOTE,
        )

    def _claimed_only(self, facts: Facts, cap: float) -> Outcome:
        claim = facts.claims.submission.train_seconds
        if claim is None:
            return self.outcome(Status.UNCLEAR, "no log shows how long training took")
        over = claim.value >= cap + facts.track.one_step_tolerance_seconds
        evidence = Evidence(claim.location, claim.text, severity=Severity.VIOLATION)
        if over:
            reason = f"{claim.value:,.1f} s of training are claimed, the cap is {cap:,.0f} s"
            return self.outcome(Status.FLAGGED, reason, (evidence,), confidence=0.7)
        return self.outcome(Status.UNCLEAR, f"{claim.value:,.1f} s are claimed, and no log shows them")


def _seconds(run: LogFacts) -> float:
    return (run.train_milliseconds or 0.0) / 1000.0


def _tolerance(run: LogFacts, facts: Facts) -> float:
    """Return how far past the cap the loop may end: the step that was running, at least the track's grace."""
    return max(facts.track.one_step_tolerance_seconds, (run.step_milliseconds or 0.0) / 1000.0)


def _evidence(run: LogFacts, cap: float, severity: Severity, status: Status = Status.FLAGGED) -> Evidence:
    line = run.stop.line if run.stop else run.last_step.line if run.last_step else run.first_line
    who = f"seed {run.any_seed}" if run.any_seed is not None else run.path
    message = f"{who}: training clock {_seconds(run):,.3f} s, limit {cap:,.0f} s"
    return Evidence(Location(run.path, line, line), message, status, severity)
