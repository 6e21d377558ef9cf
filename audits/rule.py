"""What a rule is. One rule a file under `audits/rules/`; discovery collects the subclasses.

The class docstring is the documentation: a first line that states the offence, then the paragraphs
`Why:`, `Looks for:`, `Blind to:` and, where readings differ, `Ruling:`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from audits.outcome import Axis, Condition, Evidence, Outcome, Severity, Status

if TYPE_CHECKING:
    from audits.facts import Facts


@dataclass(frozen=True, slots=True)
class RuleSource:
    """Where a rule comes from."""

    what: str
    """`README`, `#1017`, `PR #1972`, ..."""
    who: str
    date: str
    """YYYY-MM-DD."""
    says: str
    """Our paraphrase."""


@dataclass(frozen=True, slots=True)
class Example:
    """A minimal main script that must be flagged, or a near miss that must stay quiet."""

    title: str
    code: str
    files: tuple[tuple[str, str], ...] = ()
    """Further files of the folder as (path, text)."""
    taught_by: str = ""
    """The pull request that taught it (`#1376`)."""
    changes: tuple[tuple[str, str], ...] = ()
    """What else the pull request touches, as (status, path): `("modified", "train_gpt.py")`."""


class Rule(ABC):
    """The offence, in one line."""

    id: ClassVar[str]
    axis: ClassVar[Axis]
    condition: ClassVar[Condition]
    pattern: ClassVar[str | None] = None
    """Short pattern name used in labels and reports."""
    severity: ClassVar[Severity] = Severity.VIOLATION
    yields_to: ClassVar[tuple[str, ...]] = ()
    """Measurements that answer this rule's question (`probe`). Where one ends clean, an UNCLEAR or FLAG of
    this rule weighs nothing; a violation never yields."""
    sources: ClassVar[tuple[RuleSource, ...]] = ()
    flagged: ClassVar[tuple[Example, ...]] = ()
    clean: ClassVar[tuple[Example, ...]] = ()
    unclear: ClassVar[tuple[Example, ...]] = ()
    """What must be left to a person. A rule that never flags has at least one of these."""

    @abstractmethod
    def check(self, facts: Facts) -> Outcome:
        """Judge the facts. Must not raise for anything the submission does."""

    def outcome(
        self,
        status: Status,
        reason: str,
        evidence: tuple[Evidence, ...] = (),
        *,
        severity: Severity | None = None,
        confidence: float = 1.0,
        patterns: tuple[str, ...] | None = None,
        dormant: tuple[str, ...] = (),
        dispute: str | None = None,
    ) -> Outcome:
        """Return an outcome that carries this rule's identity."""
        if patterns is None:
            patterns = (self.pattern,) if self.pattern and status is Status.FLAGGED else ()
        if status is Status.DORMANT and not dormant and self.pattern:
            dormant = (self.pattern,)
        return Outcome(
            rule=self.id,
            axis=self.axis,
            condition=self.condition,
            status=status,
            reason=reason,
            evidence=evidence,
            severity=severity or self.severity,
            confidence=confidence,
            patterns=patterns,
            dormant=dormant,
            dispute=dispute,
            yields_to=self.yields_to,
        )
