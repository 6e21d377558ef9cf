"""Carry out `referee review`: intake once, audit, stages, rulings, and one verdict a policy.

Only orders what others do. What a pull request has beside its folders (a touched `.referee/`, an unread
ruling) is said in the notes of the file.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import TYPE_CHECKING

from audits.errors import UserError
from harness.review.ruled import apply
from harness.stages import Shown, StageReport, registered, run_stages

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from audits.intake import Intake
    from audits.outcome import Outcome
    from audits.rule import Rule
    from audits.runner import AuditResult
    from audits.submission import Submission
    from harness.auditing import Request
    from harness.report.review import Review
    from harness.report.view_model import ReviewFile
    from harness.review.rulings import Ruling

EXPECTED = ("smoke",)
"""Stages that a review always has a line for, also where this build has none."""
ON_REQUEST = ("probe",)
"""Stages that take minutes: left out without a word where nobody asks for them."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be reviewed, and how."""

    request: Request
    skip: tuple[str, ...] = ()
    """Stages not to run."""
    also: tuple[str, ...] = ()
    """Stages of `ON_REQUEST` to run."""
    options: Mapping[str, object] = field(default_factory=dict)
    """What the caller set for each stage, by its name."""
    today: datetime.date | None = None
    """The day on which rulings must still hold; today when None."""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A review in both forms: with its facts, and as it is shown."""

    reviews: tuple[Review, ...]
    file: ReviewFile


def review(plan: Plan) -> Reviewed:
    """Return the review of everything that `plan` names."""
    from audits.rules import discover
    from harness.auditing import intakes_of

    rules = discover()
    skip = _skipped(plan)
    reviews: list[Review] = []
    notes: list[str] = []
    for intake, intake_ms in intakes_of(plan.request):
        rulings = _rulings(plan.request, rules)
        notes += intake.notes if not intake.submissions else ()
        reviews += [_one(s, intake, intake_ms, rules, rulings, skip, plan) for s in intake.submissions]
    return Reviewed(tuple(reviews), _file(reviews, notes, rules, plan))


def _one(
    submission: Submission,
    intake: Intake,
    intake_ms: float,
    rules: Sequence[Rule],
    rulings: Sequence[Ruling],
    skip: Mapping[str, str],
    plan: Plan,
) -> Review:
    """Return the review of one folder."""
    from audits.runner import audit
    from harness.auditing import challenge_of
    from harness.report.review import review_of

    started = perf_counter()
    result = audit(submission, challenge_of(plan.request), rules=rules)
    stages = (*run_stages(result, plan.options, only=_wanted(plan), skip=skip), *_not_built())
    stages_ms = round((perf_counter() - started) * 1000 - result.timings_ms["total"], 3)
    told = [outcome for report in stages for outcome in report.outcomes]
    ruled = apply(rulings, (*result.outcomes, *told), submission, plan.today or _today())
    result, stages = _put_back(ruled.outcomes, result, stages)
    total_ms = round(intake_ms + stages_ms + result.timings_ms["total"], 3)
    timings_ms = {"intake": intake_ms, **result.timings_ms, "stages": stages_ms, "total": total_ms}
    return review_of(
        replace(result, timings_ms=timings_ms),
        rules,
        plan.request.policy,
        plan.request.as_of,
        intake.notes,
        stages,
        ruled.rulings,
    )


def _put_back(
    outcomes: Sequence[Outcome], result: AuditResult, stages: Sequence[StageReport]
) -> tuple[AuditResult, tuple[StageReport, ...]]:
    """Return audit and stages with the outcomes that were ruled on."""
    by_rule = {outcome.rule: outcome for outcome in outcomes}
    own = tuple(by_rule[outcome.rule] for outcome in result.outcomes)
    return replace(result, outcomes=own), tuple(
        replace(report, outcomes=tuple(by_rule[outcome.rule] for outcome in report.outcomes))
        for report in stages
    )


def _skipped(plan: Plan) -> dict[str, str]:
    """Return the stages not to run with the reason."""
    known = {stage.name for stage in registered()} | set(EXPECTED)
    for name in plan.skip:
        if name not in known:
            raise UserError(f"there is no stage called {name!r}", "stages: " + ", ".join(sorted(known)))
    return dict.fromkeys(plan.skip, "not asked for")


def _wanted(plan: Plan) -> frozenset[str]:
    """Return the stages that this review has a line for."""
    names = {stage.name for stage in registered()}
    return frozenset(name for name in names if name not in ON_REQUEST or name in (*plan.also, *plan.skip))


def _not_built() -> tuple[StageReport, ...]:
    """Return a line for every expected stage that this build does not have."""
    have = {stage.name for stage in registered()}
    why = "this build of Referee has no such stage"
    return tuple(
        StageReport(name, name, Shown(f"{name}: not run ({why})"), skipped=why)
        for name in EXPECTED
        if name not in have
    )


def _rulings(request: Request, rules: Sequence[Rule]) -> tuple[Ruling, ...]:
    """Return what maintainers ruled on the pull request, as the base branch has it."""
    if request.repo is None or request.pr is None:
        return ()
    from audits.intake.git import open_repository
    from audits.intake.git_base import find_main
    from harness.review.rulings import read_rulings

    repo = open_repository(request.repo)
    known = {rule.id for rule in rules}
    return read_rulings(repo, find_main(repo, request.base), request.pr, known)


def _file(reviews: Sequence[Review], notes: Sequence[str], rules: Sequence[Rule], plan: Plan) -> ReviewFile:
    """Return the review as it is shown."""
    from audits.policy import load_policy
    from harness.report.review import rulebook_digest
    from harness.report.view import file_of

    request = plan.request
    policy = load_policy(request.policy, request.as_of)
    head = next((entry.submission.origin.head_sha for entry in reviews), None) or _head(request)
    return file_of(
        reviews,
        pr=request.pr,
        head_sha=head,
        notes=notes,
        policy=(policy.name, policy.edition.isoformat()),
        rulebook=rulebook_digest(rules),
    )


def _head(request: Request) -> str | None:
    """Return the head of a pull request that has nothing to review."""
    if request.repo is None or request.pr is None:
        return None
    from audits.intake.git import open_repository, pull_head

    return str(pull_head(open_repository(request.repo), request.repo, request.pr).id)


def _today() -> datetime.date:
    return datetime.datetime.now(datetime.UTC).date()
