"""Rule: training data is read for calibration after the training time is used up."""

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


class CalibrationPastCap(Rule):
    """Hessians are collected from training shards after the clock has run out.

    Why: whatever reads training data after the loop has to fit into the training time.
    Looks for: stop time plus the logged seconds of collecting Hessians against the cap, and the reserve that the
    run kept for it.
    Blind to: statistics without a logged time; quantising and compressing, which nobody counts.
    Ruling: a reserve of half a second before some four seconds of Hessians was listed as a row (#1855), so this
    is a warning; self-generated calibration text reads no training data and is legal (#1019).
    """

    id = "calibration-past-cap"
    axis = Axis.LIMITS
    condition = Condition.TIME
    severity = Severity.WARNING
    sources = (
        RuleSource(
            "PR #593 and #609",
            "valerio-oai (reported)",
            "2026-03-25",
            "calibration after the clock may not read training data",
        ),
        RuleSource(
            "PR #1868",
            "cocohearts",
            "2026-04-29",
            "a rerun with loop and Hessians within 595.6 s was accepted",
        ),
    )
    flagged = (
        Example(
            "half a second kept for four seconds",
            SCRIPT,
            folder(
                {
                    "train_seed42.log": log(
                        stop_ms=599_480,
                        extra_header="gptq:reserving 0s, effective=599500ms",
                        before_final="GPTQ:collected 67 Hessians in 4.0s",
                    )
                }
            ),
            "#1855",
        ),
    )
    clean = (
        Example(
            "twelve seconds kept",
            SCRIPT,
            folder(
                {
                    "train_seed42.log": log(
                        stop_ms=588_020,
                        extra_header="gptq:reserving 12s, effective=588000ms",
                        before_final="GPTQ:collected 67 Hessians in 10.9s",
                    )
                }
            ),
            "#1413",
        ),
    )

    def check(self, facts: Facts) -> Outcome:
        """Add the Hessian seconds of every claimed run to its training clock."""
        cap = facts.track.train_seconds
        if cap is None:
            return self.outcome(Status.NOT_APPLICABLE, f"track {facts.track.name} sets no training time")
        runs = [
            run for run in claimed_runs(facts.logs, facts.claims) if run.hessians and run.train_milliseconds
        ]
        if not runs:
            return self.outcome(Status.NOT_APPLICABLE, "no claimed run logs the collection of Hessians")
        generated = [run for run in runs if run.calibration_generated]
        timed = [(run, _end(run)) for run in runs if not run.calibration_generated]
        late = [(run, end) for run, end in timed if end >= cap + facts.track.one_step_tolerance_seconds]
        if late:
            return self.outcome(
                Status.FLAGGED,
                f"loop and Hessians end at {max(end for _, end in late):,.1f} s, the cap is {cap:,.0f} s",
                tuple(_evidence(run, end, Status.FLAGGED, Severity.WARNING) for run, end in late),
                confidence=0.8,
                dispute="calibration-past-cap",
            )
        shown = tuple(_evidence(run, end, Status.CLEAN, Severity.NOTE) for run, end in timed)
        why = f"{len(generated)} runs calibrate on text of their own" if generated else ""
        inside = f"{len(timed)} runs end loop and Hessians within {cap:,.0f} s" if timed else ""
        return self.outcome(Status.CLEAN, "; ".join(part for part in (inside, why) if part), shown)


def _end(run: LogFacts) -> float:
    return (run.train_milliseconds or 0.0) / 1000.0 + run.hessian_seconds


def _evidence(run: LogFacts, end: float, status: Status, severity: Severity) -> Evidence:
    entry = run.hessians[-1]
    reserve = run.gptq_reserve_seconds
    kept = f", {reserve.value:g} s kept for it" if reserve else ""
    message = f"stop at {(run.train_milliseconds or 0) / 1000:,.1f} s and {entry.seconds:g} s of Hessians{kept}: {end:,.1f} s"
    return Evidence(Location(run.path, entry.line, entry.line), message, status, severity)
