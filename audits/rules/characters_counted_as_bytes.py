"""Rule: the table counts characters where the metric asks for bytes."""

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


class CharactersCountedAsBytes(ByteDefectRule):
    """The byte table holds lengths in characters.

    Why: a letter outside ASCII has two to four bytes in UTF-8. The sum comes out too small and the score too
    high, so nobody gains; it is still not the metric.
    Looks for: the builder followed over a piece with an accented letter; one byte for it.
    Blind to: tables that are not computed in the folder.
    """

    id = "characters-counted-as-bytes"
    severity = Severity.WARNING
    sources = (RuleSource("README", "openai", "2026-03-18", "bits per byte of the validation text"),)
    defects = (ByteDefect.CHARACTERS,)
    flagged = (Example("no encode", script(changed('.encode("utf-8")', "")), taught_by="#1726"),)
    clean = (Example("the canonical table", script(), taught_by="#549"),)

    def check(self, facts: Facts) -> Outcome:
        """Judge the tables in use."""
        return self.judge(facts)

    def explain(self, defect: ByteDefect, table: ByteTable) -> str:
        """Say what an accented letter counts."""
        return "the table counts characters, not UTF-8 bytes: '\u00e9' is 1 where the text has 2"
