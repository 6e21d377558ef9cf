"""The record block of a report: seeds, mean and spread, and the test against the named predecessor.

The arithmetic is `audits.facts.statistics`; here it is only laid out, with the rule that binds under the
policy. Numbers come from submitted logs or claims; nothing is measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audits.facts.statistics import RecordFacts, record_summary

if TYPE_CHECKING:
    from audits.facts import Facts
    from audits.policy import Policy


@dataclass(frozen=True, slots=True)
class RecordBlock:
    """The statistics of one entry with the levels they are held against."""

    claims_record: bool
    """Whether the track keeps a leaderboard."""
    facts: RecordFacts
    significance: str
    """The rule that binds under the policy: `written` or `practised`."""
    p_written: float
    p_practised: float


def record_of(facts: Facts | None, policy: Policy) -> RecordBlock | None:
    """Return the record block, None when no facts could be read."""
    if facts is None:
        return None
    challenge = facts.challenge
    return RecordBlock(
        claims_record=facts.track.record,
        facts=record_summary(facts),
        significance=policy.significance,
        p_written=challenge.p_written,
        p_practised=challenge.p_practised,
    )


def sentence_of(block: RecordBlock | None) -> str:
    """Return the statistics in one sentence; empty when no seed states a score."""
    if block is None or block.facts.mean_bpb is None:
        return ""
    record = block.facts
    source = "as logged" if record.from_logs else "as claimed"
    spread = f" ± {record.std_bpb:.5f}" if record.std_bpb is not None else ""
    count = len(record.seeds)
    text = f"mean {record.mean_bpb:.5f}{spread} bpb over {count} seed{'s' if count != 1 else ''}, {source}"
    if record.improvement_bpb is None:
        return text
    text += f"; {record.improvement_bpb:+.5f} bpb against #{record.predecessor_pr}"
    if record.p_improvement is not None:
        text += f", p = {record.p_improvement:.3g} (practised: < {block.p_practised:g})"
    if record.p_margin is not None:
        text += (
            f", p = {record.p_margin:.3g} for {record.margin_nats:g} nats (written: < {block.p_written:g})"
        )
    return text
