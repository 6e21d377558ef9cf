"""Rule: the space in front of a word is counted in the table and again at evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.example_bytes import CANONICAL, EVALUATE, MARKER, changed, script
from audits.facts.byte_table import ByteDefect
from audits.rule import Example, RuleSource
from audits.rules._byte_defect import ByteDefectRule

if TYPE_CHECKING:
    from audits.facts import Facts
    from audits.facts.byte_table import ByteTable
    from audits.outcome import Outcome

BAKED = changed('piece.encode("utf-8"))', 'piece.encode("utf-8")) + int(lead[token])')
BAKED_BY_REPLACING = changed("            piece = piece[1:]", '            piece = " " + piece[1:]')
ABSENT = changed("            size += (lead[target] & ~boundary[prev]).to(torch.int16)\n", "", EVALUATE)


class LeadingSpaceCountedTwice(ByteDefectRule):
    """The leading space of a piece is in the byte table and is added again at evaluation.

    Why: about 65 % of the tokens of an 8,192-piece vocabulary start with a space, so the denominator grows by a
    sixth and the score shrinks as much (4.39 bytes a token where the text has 3.73).
    Looks for: the script's own table builder, followed over one piece of every kind; a piece with U+2581 that
    already has its space, looked up where the evaluation adds `lead[y] and not boundary[x]`.
    Blind to: tables that are not computed in the folder.
    """

    id = "leading-space-counted-twice"
    sources = (
        RuleSource("PR #1734", "yahya010", "2026-04-19", "closed by its author: the space is counted twice"),
        RuleSource("PR #1804", "abi2024", "2026-04-25", "176,332,748 bytes where the text has 151,080,891"),
    )
    defects = (ByteDefect.SPACE_COUNTED_TWICE,)
    flagged = (
        Example("plus one in the table, plus one at evaluation", script(BAKED), taught_by="#1576"),
        Example(
            "the marker replaced by a space before measuring", script(BAKED_BY_REPLACING), taught_by="#1712"
        ),
    )
    clean = (
        Example("the canonical table", script(), taught_by="#549"),
        Example("plus one in the table only: a third formula", script(BAKED, ABSENT), taught_by="#1791"),
    )

    def check(self, facts: Facts) -> Outcome:
        """Judge the tables in use."""
        return self.judge(facts)

    def explain(self, defect: ByteDefect, table: ByteTable) -> str:
        """Say how many bytes a word with its space gets."""
        return "the table counts the leading space ('\u2581the' is 4 bytes) and the evaluation adds it again"


__all__ = ["BAKED", "CANONICAL", "MARKER", "LeadingSpaceCountedTwice"]
