"""The record block of a report: the claimed seeds, their mean and spread, and whom they are to beat.

Everything here is arithmetic on claims; nothing is measured.
"""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from audits.facts import Facts

RecordBlock = dict[str, object]


def record_of(facts: Facts | None) -> RecordBlock:
    """Return the claimed score, seeds, mean and sample standard deviation, and the named predecessor."""
    if facts is None:
        return {}
    claims = facts.claims
    seeds = [(entry.seed, entry.label, entry.val_bpb.value) for entry in claims.seeds if entry.val_bpb]
    scores = [score for _, _, score in seeds]
    named = claims.submission.predecessor_pr
    return {
        "claims_record": facts.track.record,
        "claimed_val_bpb": claims.headline.value if claims.headline else None,
        "seeds": [{"seed": seed, "label": label, "val_bpb": score} for seed, label, score in seeds],
        "mean_val_bpb": statistics.fmean(scores) if scores else None,
        "std_val_bpb": statistics.stdev(scores) if len(scores) > 1 else None,
        "predecessor_pr": named.value if named else None,
    }
