"""Rule: the improvement over the named predecessor is not shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.example_folder import SCRIPT, Files, claims, folder, log, readme
from audits.facts.statistics import RecordFacts, record_summary
from audits.outcome import Axis, Condition, Evidence, Outcome, Severity, Status
from audits.rule import Example, Rule, RuleSource

if TYPE_CHECKING:
    from audits.facts import Facts
    from audits.location import Location


def _three(*values: float) -> Files:
    seeds = {str(n): {"val_bpb": value} for n, value in enumerate(values, 1)}
    logs = {f"train_seed{n}.log": log(n, value) for n, value in enumerate(values, 1)}
    text = readme("Improves on PR #1019, the previous record.", "val_bpb: the mean of three seeds")
    return folder(logs, claims(round(sum(values) / len(values), 8), seed_results=seeds), text)


class ImprovementNotSignificant(Rule):
    """A record claim does not beat the predecessor it names by a margin that its seeds can show.

    Why: a new row has to be better than the one before, and not by luck.
    Looks for: a one-sided Welch t-test of the seeds against the best accepted row that the entry names (or against
    the score that its README states for one), for any improvement and for the written margin in nats per token.
    Blind to: predecessors that are not named; the frontier at the time of filing.
    Ruling: in text the margin is 0.005 nats at p < 0.01; rows were in fact listed on any improvement at p < 0.25.
    Missing the written margin alone is a note that a stricter policy may raise.
    """

    id = "improvement-not-significant"
    axis = Axis.RECORD
    condition = Condition.STATISTICS
    sources = (
        RuleSource("README", "openai", "2026-03-18", "0.005 nats better at p < 0.01"),
        RuleSource(
            "PR #1902", "cocohearts", "2026-04-28", "chronological frontier, one-sided Welch t, p < 0.25"
        ),
    )
    flagged = (Example("worse than the row it names", SCRIPT, _three(1.1201, 1.1207, 1.1204), "#1902"),)
    clean = (Example("far better", SCRIPT, _three(1.0801, 1.0807, 1.0804), "#1394"),)

    def check(self, facts: Facts) -> Outcome:
        """Test the seeds against the predecessor under both rules."""
        if not facts.track.record:
            return self.outcome(Status.NOT_APPLICABLE, f"track {facts.track.name} claims no record")
        record = record_summary(facts)
        if record.predecessor_bpb is None or record.improvement_bpb is None:
            return self.outcome(Status.NOT_APPLICABLE, "no predecessor is named with a score")
        if record.p_improvement is None:
            return self.outcome(
                Status.UNCLEAR, f"{_versus(record)}; fewer than two seeds, no test is possible"
            )
        shown = (Evidence(_place(facts), _tested(record), Status.CLEAN, Severity.NOTE),)
        if record.p_improvement >= facts.challenge.p_practised:
            flagged = (Evidence(_place(facts), _tested(record)),)
            return self.outcome(
                Status.FLAGGED, f"{_versus(record)}; {_tested(record)}", flagged, confidence=0.8
            )
        if record.p_margin is None or record.p_margin >= facts.challenge.p_written:
            note = (Evidence(_place(facts), _tested(record), severity=Severity.NOTE),)
            return self.outcome(
                Status.FLAGGED,
                f"{_versus(record)}; {_tested(record)}: enough as practised, not as written",
                note,
                severity=Severity.NOTE,
                dispute="written-significance",
            )
        return self.outcome(Status.CLEAN, f"{_versus(record)}; {_tested(record)}", shown)


def _place(facts: Facts) -> Location | None:
    headline = facts.claims.headline
    return headline.location if headline else None


def _versus(record: RecordFacts) -> str:
    better = record.improvement_bpb or 0.0
    nats = f", {record.improvement_nats:+.5f} nats per token" if record.improvement_nats is not None else ""
    return f"{better:+.5f} bpb{nats} against #{record.predecessor_pr}"


def _tested(record: RecordFacts) -> str:
    margin = (
        f", p = {record.p_margin:.3g} for {record.margin_nats} nats" if record.p_margin is not None else ""
    )
    return f"{len(record.seeds)} seeds, p = {record.p_improvement:.3g} for any improvement{margin}"
