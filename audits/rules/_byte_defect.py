"""What the rules on byte tables share: which uses count, and how an outcome is phrased."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from audits.facts.byte_table import ByteDefect, TableSource
from audits.outcome import Axis, Condition, Evidence, Outcome, Severity, Status
from audits.rule import Rule

if TYPE_CHECKING:
    from audits.facts import Facts
    from audits.facts.byte_table import ByteTable, TableUse

PATTERN = "tokenizer-bytes"


class ByteDefectRule(Rule):
    """A byte table departs from the canonical one in one way."""

    axis = Axis.METRIC
    condition = Condition.BPB
    pattern = PATTERN
    defects: ClassVar[tuple[ByteDefect, ...]] = ()
    """The departures that this rule is about, worst first."""

    @abstractmethod
    def explain(self, defect: ByteDefect, table: ByteTable) -> str:
        """Say what is wrong, with the numbers."""

    def weight(self, defect: ByteDefect) -> Severity:
        """Return how bad one departure is."""
        return self.severity

    def judge(self, facts: Facts) -> Outcome:
        """Flag what reaches an evaluation in use; what no other code names is dormant."""
        seen = facts.byte_table
        live = [use for use in seen.uses if use.live and computed(use)]
        wrong = [use for use in live if set(use.defects) & set(self.defects)]
        if wrong:
            return self._flagged(wrong)
        asleep = [use for use in seen.uses if not use.live and set(use.defects) & set(self.defects)]
        if asleep:
            return self.outcome(Status.DORMANT, "only code that nothing calls does this", self._shown(asleep))
        if live:
            return self.outcome(Status.CLEAN, _seen(live), self._shown(live[:1], Status.CLEAN))
        return self.outcome(*not_judged(facts))

    def _flagged(self, wrong: list[TableUse]) -> Outcome:
        first = wrong[0]
        defect = self._worst(first)
        reason = self.explain(defect, computed(first)[0])
        patterns = (PATTERN,) if self.weight(defect) is Severity.VIOLATION else ()
        return self.outcome(
            Status.FLAGGED,
            reason,
            self._shown(wrong),
            severity=self.weight(defect),
            confidence=0.95,
            patterns=patterns,
        )

    def _worst(self, use: TableUse) -> ByteDefect:
        return next(defect for defect in self.defects if defect in use.defects)

    def _shown(self, uses: list[TableUse], status: Status = Status.FLAGGED) -> tuple[Evidence, ...]:
        found: list[Evidence] = []
        for use in uses:
            wrong = [defect for defect in self.defects if defect in use.defects]
            severity = self.weight(wrong[0]) if wrong and status is Status.FLAGGED else Severity.NOTE
            table = computed(use)[0]
            entry = Evidence(table.location, f"table built here: {counts(table)}", status, severity)
            if entry not in found:
                found.append(entry)
            added = {
                "guarded": "unless the previous token is a boundary",
                "unguarded": "always",
                "absent": "never",
            }
            says = f"{use.function} looks bytes up here; it adds a space {added[use.space.value]}"
            found.append(Evidence(use.location, says, status, severity))
        return tuple(found)


def computed(use: TableUse) -> list[ByteTable]:
    """Return the tables of a use that are computed from pieces."""
    return [table for table in use.tables if table.source is TableSource.COMPUTED]


def counts(table: ByteTable) -> str:
    """Return the bytes that a table gives to a few telling pieces."""
    shown = ("\u2581the", "ing", "<0x0A>", "<s>")
    return ", ".join(f"{piece!r} {size}" for piece, size in table.counts if piece in shown)


def not_judged(facts: Facts) -> tuple[Status, str]:
    """Return the status and reason where no computed table is in use."""
    seen = facts.byte_table
    if any(use.live for use in seen.uses):
        return Status.NOT_APPLICABLE, "the table in use is read from a file"
    if seen.sidecars:
        return (
            Status.NOT_APPLICABLE,
            f"bytes come from a sidecar of the tokens ({seen.sidecars[0].file_pattern})",
        )
    why = seen.problems[0] if seen.problems else "no lookup of bytes by token was found"
    proof = proven_by_logs(facts)
    return (Status.NOT_APPLICABLE, f"{why}; {proof}") if proof else (Status.UNCLEAR, why)


def proven_by_logs(facts: Facts) -> str:
    """Return what shows that the claimed runs divided by the bytes of the text, empty where nothing does.

    A wrong table cannot give the right number of bytes for the whole split, whatever code builds it (#696).
    """
    from audits.rules.implied_bytes_off import ImpliedBytesOff

    implied = ImpliedBytesOff().check(facts)
    return f"the logs tell: {implied.reason}" if implied.status is Status.CLEAN else ""


def _seen(live: list[TableUse]) -> str:
    names = ", ".join(dict.fromkeys(use.function for use in live))
    return f"followed the table over one piece of each kind into {names}"
