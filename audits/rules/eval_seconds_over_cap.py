"""Rule: the evaluation that gives the score takes longer than the track allows."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from audits.example_folder import SCRIPT, folder, log
from audits.facts.headline import claimed_runs, scored_line
from audits.location import Location
from audits.outcome import Axis, Condition, Evidence, Outcome, Severity, Status
from audits.rule import Example, Rule, RuleSource

if TYPE_CHECKING:
    from audits.facts import Facts
    from audits.facts.logs import EvalTime, LogFacts

SAME_PASS_SECONDS = 1.0
SAME_PASS_SHARE = 0.02
NEAR_LINES = 4
"""A score that prints no time belongs to the timed pass reported just above it."""


class Timed(NamedTuple):
    """How long one run's scored evaluation took, and the sum of all its evaluations."""

    run: LogFacts
    seconds: float
    line: int
    all_seconds: float
    sure: bool


class EvalSecondsOverCap(Rule):
    """The scored evaluation, with what it depends on, passes the evaluation cap.

    Why: evaluation has ten minutes of its own; test-time training and its statistics belong to them.
    Looks for: the run's own total (`total_eval_time`), else the time of the line that carries the score.
    Blind to: stages that feed the scored one but print no time; compile warm-up, which accepted rows leave out.
    The sum of all evaluations, diagnostics included, is only reported: it may be over where the score is not.
    """

    id = "eval-seconds-over-cap"
    axis = Axis.LIMITS
    condition = Condition.TIME
    sources = (
        RuleSource(
            "README", "openai", "2026-03-18", "evaluation may take ten minutes in addition to training"
        ),
        RuleSource("PR #1972", "cocohearts", "2026-05-02", "688 s of evaluation operations exceed the cap"),
    )
    flagged = (
        Example(
            "adaptation takes eleven minutes",
            SCRIPT,
            folder({"train_seed42.log": log(eval_ms=695_601)}),
            "#798",
        ),
    )
    clean = (
        Example("ninety seconds", SCRIPT, folder(), "#1019"),
        Example(
            "diagnostics are not the score",
            SCRIPT,
            folder(
                {
                    "train_seed42.log": log(
                        eval_ms=367_000,
                        before_final="diagnostic quantized val_loss:2.1000 val_bpb:1.2500 eval_time:121000ms",
                    )
                }
            ),
            "#1493",
        ),
    )

    def check(self, facts: Facts) -> Outcome:
        """Compare the scored evaluation of every claimed run with the cap."""
        timed = [found for run in claimed_runs(facts.logs, facts.claims) if (found := _timed(run, facts))]
        cap = facts.track.eval_seconds
        if cap is None:
            return self._compared(facts, timed)
        if not timed:
            return self._claimed_only(facts, cap)
        over = [entry for entry in timed if entry.seconds > cap]
        scaled = [entry for entry in over if entry.seconds * _share(entry.run, facts) <= cap]
        if over and len(scaled) == len(over):
            return self.outcome(
                Status.FLAGGED,
                f"{max(entry.seconds for entry in over):,.1f} s of evaluation on fewer devices than the track's"
                f" {facts.track.world_size}; there it may fit {cap:,.0f} s",
                tuple(_evidence(entry, cap, Severity.WARNING) for entry in over),
                severity=Severity.WARNING,
            )
        if over:
            worst = max(over, key=lambda entry: entry.seconds)
            return self.outcome(
                Status.FLAGGED,
                f"{len(over)} of {len(timed)} runs evaluate for more than {cap:,.0f} s: {worst.seconds:,.1f} s"
                " at worst",
                tuple(_evidence(entry, cap, Severity.VIOLATION) for entry in over),
                confidence=0.9 if all(entry.sure for entry in over) else 0.65,
            )
        long = [entry for entry in timed if entry.all_seconds > cap]
        if long:
            return self.outcome(
                Status.FLAGGED,
                f"the scored pass fits {cap:,.0f} s, all evaluations together take"
                f" {max(entry.all_seconds for entry in long):,.1f} s: does the score depend on the others?",
                tuple(_evidence(entry, cap, Severity.WARNING) for entry in long),
                severity=Severity.WARNING,
            )
        seen = tuple(_evidence(entry, cap, Severity.NOTE, Status.CLEAN) for entry in timed)
        return self.outcome(Status.CLEAN, f"{len(timed)} runs evaluate within {cap:,.0f} s", seen)

    def _compared(self, facts: Facts, timed: list[Timed]) -> Outcome:
        """Report long evaluations of a track without a time limit against the record track's."""
        reference = facts.challenge.track(facts.track.reference)
        limit = reference.eval_seconds if reference else None
        over = [entry for entry in timed if limit is not None and entry.seconds > limit]
        if not over or limit is None:
            return self.outcome(Status.NOT_APPLICABLE, f"track {facts.track.name} sets no evaluation time")
        return self.outcome(
            Status.FLAGGED,
            f"{max(entry.seconds for entry in over):,.1f} s of evaluation; track {facts.track.name} sets no limit"
            f" (a record: {limit:,.0f} s)",
            tuple(_evidence(entry, limit, Severity.NOTE) for entry in over),
            severity=Severity.NOTE,
        )

    def _claimed_only(self, facts: Facts, cap: float) -> Outcome:
        claims = [facts.claims.submission.eval_seconds, *(seed.eval_seconds for seed in facts.claims.seeds)]
        stated = max((claim for claim in claims if claim), key=lambda claim: claim.value, default=None)
        if stated is None:
            return self.outcome(Status.UNCLEAR, "no log shows how long the scored evaluation took")
        if stated.value > cap:
            reason = f"{stated.value:,.1f} s of evaluation are claimed, the cap is {cap:,.0f} s"
            evidence = (Evidence(stated.location, stated.text),)
            return self.outcome(Status.FLAGGED, reason, evidence, confidence=0.7)
        return self.outcome(Status.UNCLEAR, f"{stated.value:,.1f} s are claimed, and no log shows them")


def _share(run: LogFacts, facts: Facts) -> float:
    """Return which share of the track's devices a run had: evaluation divides among them."""
    if run.world_size is None or facts.track.world_size is None:
        return 1.0
    return min(1.0, run.world_size.value / facts.track.world_size)


def _timed(run: LogFacts, facts: Facts) -> Timed | None:
    """Return the time of the scored evaluation of a run, or None where the log tells none."""
    together = sum(entry.seconds for entry in _passes(run))
    totals = [entry for entry in run.total_eval if entry.label == "total_eval"]
    scored = scored_line(run, facts.claims)
    if totals:
        last = totals[-1]
        return Timed(run, last.seconds, last.line, max(together, last.seconds), sure=True)
    if scored is None:
        return None
    if scored.line.eval_seconds is not None:
        return Timed(run, scored.line.eval_seconds, scored.line.line, together, sure=scored.claimed)
    before = [entry for entry in run.eval_times if 0 <= scored.line.line - entry.line <= NEAR_LINES]
    return Timed(run, before[-1].seconds, before[-1].line, together, sure=False) if before else None


def _passes(run: LogFacts) -> list[EvalTime]:
    """Return the evaluation passes; one pass reported by two neighbouring lines counts once."""
    passes: list[EvalTime] = []
    for entry in run.eval_times:
        before = passes[-1] if passes else None
        close = before and abs(before.seconds - entry.seconds) <= max(
            SAME_PASS_SECONDS, SAME_PASS_SHARE * entry.seconds
        )
        if before and close and entry.line - before.line <= 3:
            passes[-1] = max(before, entry, key=lambda item: item.seconds)
        else:
            passes.append(entry)
    return passes


def _evidence(entry: Timed, cap: float, severity: Severity, status: Status = Status.FLAGGED) -> Evidence:
    run = entry.run
    who = f"seed {run.any_seed}" if run.any_seed is not None else run.path
    rest = f" (all evaluations {entry.all_seconds:,.1f} s)" if entry.all_seconds > entry.seconds + 1 else ""
    message = f"{who}: scored evaluation {entry.seconds:,.1f} s{rest}, limit {cap:,.0f} s"
    return Evidence(Location(run.path, entry.line, entry.line), message, status, severity)
