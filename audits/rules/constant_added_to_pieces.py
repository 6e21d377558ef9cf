"""Rule: every piece counts more bytes than it has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.example_bytes import changed, script
from audits.facts.byte_table import ByteDefect
from audits.rule import Example, RuleSource
from audits.rules._byte_defect import ByteDefectRule

if TYPE_CHECKING:
    from audits.facts import Facts
    from audits.facts.byte_table import ByteTable
    from audits.outcome import Outcome


class ConstantAddedToPieces(ByteDefectRule):
    """A constant is added to the length of every piece in the byte table.

    Why: a space belongs only to pieces that carry the marker; one byte more for each token is a quarter of the
    denominator.
    Looks for: the builder followed over ordinary pieces; all of them longer than their text by the same number.
    Blind to: tables that are not computed in the folder.
    """

    id = "constant-added-to-pieces"
    sources = (
        RuleSource(
            "PR #1804", "abi2024", "2026-04-25", "keeps a synthetic script with one byte more a piece"
        ),
    )
    defects = (ByteDefect.CONSTANT_ADDED,)
    flagged = (
        Example(
            "plus one for every piece",
            script(changed('piece.encode("utf-8"))', 'piece.encode("utf-8")) + 1')),
            taught_by="#1804",
        ),
    )
    clean = (
        Example("the canonical table", script(), taught_by="#549"),
        Example(
            "plus one only where the marker was",
            script(changed('piece.encode("utf-8"))', 'piece.encode("utf-8")) + int(lead[token])')),
            taught_by="#1576",
        ),
    )

    def check(self, facts: Facts) -> Outcome:
        """Judge the tables in use."""
        return self.judge(facts)

    def explain(self, defect: ByteDefect, table: ByteTable) -> str:
        """Say what an ordinary piece counts."""
        return f"the piece 'ing' has 3 bytes and counts {dict(table.counts)['ing']}"
