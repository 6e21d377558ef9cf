"""What a reader is told about one submission: outcomes, findings and a verdict under every policy.

Promises that everything in it is traceable to a record of the audit; it adds no evidence.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from audits.finding import Finding, findings_of
from audits.outcome import Axis, Outcome, Status
from audits.policy import POLICY_NAMES, Policy, load_policy
from audits.verdict import Verdict, decide

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterable, Sequence

    from audits.rule import Rule
    from audits.runner import AuditResult
    from audits.submission import Submission
    from harness.report.view_model import RulingModel
    from harness.stages import StageReport

PURE_NEURAL = "pure-neural"


@dataclass(frozen=True, slots=True)
class Review:
    """One audited submission as one policy reads it."""

    result: AuditResult
    """The audit; its outcomes hold those of the stages too, after the rules'."""
    policy: Policy
    verdict: Verdict
    """Under `policy`."""
    policies: tuple[Verdict, ...]
    """Under every policy of the same day, in the order practice, readme, strict."""
    findings: tuple[Finding, ...]
    titles: tuple[tuple[str, str], ...]
    """Rule id to the first line of its documentation."""
    rulebook: str
    """Digest of the rules that judged."""
    notes: tuple[str, ...] = ()
    """What intake has to say about the choice of target."""
    rulings: tuple[RulingModel, ...] = ()
    """What maintainers ruled on this pull request, applied or not."""
    stages: tuple[StageReport, ...] = ()
    """How the stages ended that followed the audit, skipped ones included; empty when none was asked for."""

    @property
    def executed(self) -> bool:
        """Tell whether a stage ran code of the submission."""
        return any(report.document is not None for report in self.stages)

    @property
    def submission(self) -> Submission:
        """Return what was audited."""
        return self.result.submission

    @property
    def patterns(self) -> tuple[str, ...]:
        """Return the short names of reachable patterns, without repeats."""
        return _unique(name for outcome in self.result.outcomes for name in outcome.patterns)

    @property
    def dormant(self) -> tuple[str, ...]:
        """Return the short names of patterns that are present but switched off."""
        return _unique(name for outcome in self.result.outcomes for name in outcome.dormant)

    def outcome(self, rule: str) -> Outcome:
        """Return how `rule` ended."""
        return next(entry for entry in self.result.outcomes if entry.rule == rule)

    def findings_on(self, axis: Axis) -> tuple[Finding, ...]:
        """Return the findings of one axis that are flagged, unclear or crashed."""
        open_ends = (Status.FLAGGED, Status.UNCLEAR, Status.CRASHED)
        return tuple(entry for entry in self.findings if entry.axis is axis and entry.outcome in open_ends)

    def title(self, rule: str) -> str:
        """Return the first line of the documentation of `rule`."""
        return dict(self.titles).get(rule, rule)


def review_of(
    result: AuditResult,
    rules: Sequence[Rule],
    policy: str = "practice",
    as_of: datetime.date | None = None,
    notes: tuple[str, ...] = (),
    stages: Sequence[StageReport] = (),
    rulings: Sequence[RulingModel] = (),
) -> Review:
    """Return the review of `result` under `policy`, with the verdicts of the other policies beside it.

    Outcomes of `stages` are weighed by the same verdict function as those of the rules. A rule that was ruled
    on (its outcome says so) weighs in full, however young it is.
    """
    told = tuple(outcome for report in stages for outcome in report.outcomes)
    result = replace(result, outcomes=result.outcomes + told)
    bound = frozenset(entry.rule for entry in rulings if entry.applied)
    chosen = policy_for(policy, as_of, bound)
    verdicts = tuple(decide(result.outcomes, policy_for(name, as_of, bound)) for name in POLICY_NAMES)
    return Review(
        result=result,
        policy=chosen,
        verdict=next(entry for entry in verdicts if entry.policy == policy),
        policies=verdicts,
        findings=findings_of(result, rules, chosen),
        titles=(
            *((rule.id, headline(rule)) for rule in rules),
            *((outcome.rule, report.title) for report in stages for outcome in report.outcomes),
        ),
        rulebook=rulebook_digest(rules),
        notes=notes,
        stages=tuple(stages),
        rulings=tuple(rulings),
    )


def policy_for(name: str, as_of: datetime.date | None, ruled: frozenset[str] = frozenset()) -> Policy:
    """Return a policy without the ceilings of rules that were ruled on, however young they are."""
    policy = load_policy(name, as_of)
    at_most = {rule: reading for rule, reading in policy.at_most.items() if rule not in ruled}
    return replace(policy, at_most=at_most) if ruled else policy


def headline(rule: Rule) -> str:
    """Return the first line of the documentation of `rule`."""
    return (type(rule).__doc__ or rule.id).strip().splitlines()[0].strip()


def rulebook_digest(rules: Iterable[Rule]) -> str:
    """Return version and digest of the rule files, so that a report names what judged it."""
    import hashlib
    import inspect
    from importlib import metadata
    from pathlib import Path

    digest = hashlib.sha256()
    for path in sorted({Path(inspect.getfile(type(rule))) for rule in rules}):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    try:
        version = metadata.version("golf-referee")
    except metadata.PackageNotFoundError:
        version = "0"
    return f"{version}+{digest.hexdigest()[:12]}"


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    """Return `names` in first-seen order without repeats."""
    return tuple(dict.fromkeys(names))
