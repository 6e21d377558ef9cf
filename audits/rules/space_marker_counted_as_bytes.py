"""Rule: the tokenizer's own space marker is counted as three bytes of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.example_bytes import MARKER, changed, script
from audits.facts.byte_table import ByteDefect
from audits.rule import Example, RuleSource
from audits.rules._byte_defect import ByteDefectRule

if TYPE_CHECKING:
    from audits.facts import Facts
    from audits.facts.byte_table import ByteTable
    from audits.outcome import Outcome

_STRIP = f"""\
        if piece.startswith("{MARKER}"):
            lead[token] = True
            piece = piece[1:]
"""


class SpaceMarkerCountedAsBytes(ByteDefectRule):
    """U+2581 is left in the piece and counted as its three UTF-8 bytes.

    Why: the marker stands for one space; three bytes for it make the denominator a third too large.
    Looks for: the builder followed over a piece with the marker: more bytes than its text has. A test for
    another character (`?`, a mis-decoded marker) has the same effect and is named.
    Blind to: tables that are not computed in the folder.
    """

    id = "space-marker-counted-as-bytes"
    sources = (
        RuleSource("PR #926", "read from its code", "2026-03-27", "tests for '?' where the marker belongs"),
        RuleSource(
            "issue #897", "community", "2026-03-26", "a vocabulary without U+2581 counts three bytes a space"
        ),
    )
    defects = (ByteDefect.WRONG_SPACE_MARKER, ByteDefect.SPACE_MARKER_AS_BYTES)
    flagged = (
        Example("a question mark in place of the marker", script(changed(MARKER, "?")), taught_by="#926"),
        Example("a mis-decoded marker", script(changed(MARKER, "\u0393\u00fb\u00fc")), taught_by="#1262"),
        Example("the marker never stripped", script(changed(_STRIP, "")), taught_by="#2098"),
    )
    clean = (
        Example("the canonical table", script(), taught_by="#549"),
        Example(
            "the marker held in a constant",
            "SPACE = chr(9601)\n" + script(changed(f'"{MARKER}"', "SPACE")),
            taught_by="#156",
        ),
    )

    def check(self, facts: Facts) -> Outcome:
        """Judge the tables in use."""
        return self.judge(facts)

    def explain(self, defect: ByteDefect, table: ByteTable) -> str:
        """Say what is taken for the marker."""
        if defect is ByteDefect.WRONG_SPACE_MARKER:
            return "another character than U+2581 is stripped as the space marker; '\u2581the' then counts 6 bytes"
        return "the space marker U+2581 stays in the piece: '\u2581the' counts 6 bytes for 4 bytes of text"
