"""Rule: pieces that stand for no text count as bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.example_bytes import changed, script
from audits.facts.byte_table import ByteDefect
from audits.outcome import Severity
from audits.rule import Example, RuleSource
from audits.rules._byte_defect import ByteDefectRule

if TYPE_CHECKING:
    from audits.facts import Facts
    from audits.facts.byte_table import ByteTable
    from audits.outcome import Outcome

_SKIP = "if sp.is_control(token) or sp.is_unknown(token) or sp.is_unused(token):"


class SpecialPiecesCounted(ByteDefectRule):
    """Control or unknown pieces have a size in the byte table.

    Why: every document starts with a control piece that stands for no text; 50,000 of them at three bytes move
    the denominator by 0.1 %, three times the tolerance of the implied-bytes check.
    Looks for: the builder followed over control, unknown and unused pieces; any size above 0. Unused pieces do
    not occur in text, so counting only them is a note.
    Blind to: evaluations that drop these positions before they count.
    """

    id = "special-pieces-counted"
    sources = (
        RuleSource(
            "PR #1804", "abi2024", "2026-04-25", "missing is_unused is one of three variants of the bug"
        ),
    )
    defects = (ByteDefect.SPECIAL_COUNTED, ByteDefect.UNUSED_COUNTED)
    flagged = (
        Example("no test for special pieces", script(changed(_SKIP, "if False:")), taught_by="#1576"),
        Example("only is_unused missing", script(changed(" or sp.is_unused(token)", "")), taught_by="#1804"),
    )
    clean = (Example("the canonical table", script(), taught_by="#549"),)

    def check(self, facts: Facts) -> Outcome:
        """Judge the tables in use."""
        return self.judge(facts)

    def weight(self, defect: ByteDefect) -> Severity:
        """Treat unused pieces as a note: they never occur."""
        return Severity.NOTE if defect is ByteDefect.UNUSED_COUNTED else Severity.VIOLATION

    def explain(self, defect: ByteDefect, table: ByteTable) -> str:
        """Say what they count."""
        if defect is ByteDefect.UNUSED_COUNTED:
            return "unused pieces have a size in the table; they do not occur in text, so the sum is right"
        sizes = dict(table.counts)
        return f"special pieces stand for no text and count: '<s>' {sizes['<s>']}, '<unk>' {sizes['<unk>']} bytes"
