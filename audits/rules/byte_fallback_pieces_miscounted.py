"""Rule: a byte-fallback piece counts as something else than one byte."""

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

_BRANCH = """\
        if sp.is_byte(token):
            base[token] = 1
            continue
"""


class ByteFallbackPiecesMiscounted(ByteDefectRule):
    """A byte-fallback piece (`<0x0A>`) does not count as one byte.

    Why: it stands for exactly one byte of text; the length of its name is 6.
    Looks for: the builder followed over two byte pieces; any other number than 1.
    Blind to: tables that are not computed in the folder.
    """

    id = "byte-fallback-pieces-miscounted"
    sources = (
        RuleSource(
            "PR #1804", "abi2024", "2026-04-25", "byte tokens sized 6 in the table of #1576 and its kin"
        ),
        RuleSource("README", "openai", "2026-03-18", "bits per byte of the validation text"),
    )
    defects = (ByteDefect.BYTE_PIECE_SIZE,)
    flagged = (
        Example("no branch for byte pieces", script(changed(_BRANCH, "")), taught_by="#1576"),
        Example("three bytes each", script(changed("base[token] = 1", "base[token] = 3")), taught_by="#897"),
    )
    clean = (
        Example("the canonical table", script(), taught_by="#549"),
        Example(
            "the byte decoded from the piece's name",
            script(
                changed("base[token] = 1", "base[token] = len(bytes([int(sp.id_to_piece(token)[3:-1], 16)]))")
            ),
            taught_by="#1858",
        ),
    )

    def check(self, facts: Facts) -> Outcome:
        """Judge the tables in use."""
        return self.judge(facts)

    def explain(self, defect: ByteDefect, table: ByteTable) -> str:
        """Say what a byte piece counts."""
        sizes = {size for piece, size in table.counts if piece.startswith("<0x")}
        return f"a byte-fallback piece stands for one byte and counts {' or '.join(sorted(sizes))}"
