"""Rule: spaces are counted without looking at the token before, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.example_bytes import EVALUATE, changed, script
from audits.facts.byte_table import ByteDefect
from audits.outcome import Severity
from audits.rule import Example, RuleSource
from audits.rules._byte_defect import ByteDefectRule

if TYPE_CHECKING:
    from audits.facts import Facts
    from audits.facts.byte_table import ByteTable
    from audits.outcome import Outcome

_GUARD = "(lead[target] & ~boundary[prev])"
UNGUARDED = changed(_GUARD, "lead[target]", EVALUATE)
NEVER = changed(f"            size += {_GUARD}.to(torch.int16)\n", "", EVALUATE)


class SpaceConditionDropped(ByteDefectRule):
    """The leading space is added without regard to the previous token, or never.

    Why: the canonical count adds it unless the previous token is a boundary, so that no space is counted at the
    start of a document. Without the condition 50,000 bytes are added (0.03 %); without the space a sixth is lost,
    to the disadvantage of the submission.
    Looks for: how the evaluation combines the flag for a leading space with the boundary flag of the token before.
    Blind to: documents that are cut before they are counted.
    """

    id = "space-condition-dropped"
    severity = Severity.WARNING
    sources = (RuleSource("README", "openai", "2026-03-18", "the baseline's table and evaluation"),)
    defects = (ByteDefect.SPACE_NEVER_COUNTED, ByteDefect.SPACE_AFTER_BOUNDARY)
    flagged = (
        Example("no look at the previous token", script(evaluate=UNGUARDED), taught_by="#1791"),
        Example("spaces never added", script(evaluate=NEVER), taught_by="#1726"),
    )
    clean = (Example("the canonical evaluation", script(), taught_by="#549"),)

    def check(self, facts: Facts) -> Outcome:
        """Judge the tables in use; a lookup without spaces next to a full one is a side product."""
        return self.judge(facts)

    def explain(self, defect: ByteDefect, table: ByteTable) -> str:
        """Say which way it departs."""
        if defect is ByteDefect.SPACE_NEVER_COUNTED:
            return (
                "leading spaces are stripped from the pieces and never added: fewer bytes than the text has"
            )
        return (
            "a leading space is counted after a boundary token too: one byte too many at a document's start"
        )
