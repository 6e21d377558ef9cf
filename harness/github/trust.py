"""Hold an upload against what the API and our own rules say. Form was checked before; this is about truth.

Promises that a verdict is only published when our own verdict function, fed with the uploaded outcomes of
exactly our own rules, says the same. An upload whose run could have been steered by the pull request itself
(it changes `.github/`) is refused: its outcomes prove nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from audits.outcome import Axis, Outcome, Status
from audits.policy import POLICY_NAMES, Effect
from audits.verdict import decide
from harness.github.faults import RefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audits.policy import Policy
    from audits.rule import Rule
    from harness.github.event import Event
    from harness.github.pulls import Pull
    from harness.github.upload import Upload
    from harness.report.view_model import FolderModel, ReviewFile
    from harness.review.rulings import Ruling

GUARDED = ".github/"
_SHOWN = frozenset({Status.FLAGGED, Status.UNCLEAR, Status.CRASHED})


@dataclass(frozen=True, slots=True)
class Known:
    """What is known for certain about a run."""

    event: Event
    pull: Pull
    paths: tuple[str, ...]
    """Every path that the pull request touches."""
    rulings: tuple[Ruling, ...]
    """As the base branch has them."""
    rules: tuple[Rule, ...]
    rulebook: str


def verify(upload: Upload, known: Known) -> None:
    """Refuse an upload that says anything that is not so."""
    file = upload.review
    steered = sorted(path for path in known.paths if path.lower().startswith(GUARDED))
    if steered:
        raise RefusedError(f"the pull request changes {steered[0]}, so its run may be its own invention")
    _same("pull request", file.pr, known.pull.number)
    _same("head", file.head_sha, known.event.workflow_run.head_sha)
    _same("rulebook", file.rulebook, known.rulebook)
    for folder in file.folders:
        _verify_folder(folder, file, known)
    _verify_sarif(upload)


def _same(what: str, said: object, known: object) -> None:
    """Refuse an upload that names another thing than the one in question."""
    if said != known:
        raise RefusedError(f"the upload is about {what} {said}, the run was about {known}")


def _verify_folder(folder: FolderModel, file: ReviewFile, known: Known) -> None:
    """Refuse a folder that the pull request does not have, or a verdict that its outcomes do not give."""
    judged = folder.judged
    _same("pull request", judged.pr, known.pull.number)
    _same("head", judged.head_sha, known.event.workflow_run.head_sha)
    _same("policy", (folder.policy, folder.policy_edition), (file.policy, file.policy_edition))
    inside = judged.path.rstrip("/") + "/"
    if judged.path != "." and not any(path.startswith(inside) for path in known.paths):
        raise RefusedError(f"the pull request does not touch {judged.path}")
    _verify_rulings(folder, known)
    outcomes = _outcomes(folder, known)
    policies = {name: _policy(name, folder) for name in POLICY_NAMES}
    if policies[file.policy].edition.isoformat() != file.policy_edition:
        raise RefusedError(f"the upload was judged by an edition of {file.policy} that is not in force")
    _verify_verdict(folder, outcomes, policies)
    _verify_groups(folder, outcomes, policies[file.policy])


def _policy(name: str, folder: FolderModel) -> Policy:
    """Return a policy as it weighs this folder."""
    from harness.report.review import policy_for

    return policy_for(name, None, frozenset(entry.rule for entry in folder.rulings if entry.applied))


def _outcomes(folder: FolderModel, known: Known) -> tuple[Outcome, ...]:
    """Return the uploaded outcomes, one of each of our rules, and beside them only those of stages."""
    stages = {stage.name for stage in folder.stages}
    ours = {rule.id: rule for rule in known.rules}
    said = [entry.rule for entry in folder.outcomes]
    if len(set(said)) != len(said) or not set(ours) <= set(said):
        raise RefusedError("the upload does not hold one outcome a rule")
    for entry in folder.outcomes:
        rule = ours.get(entry.rule)
        if rule is None and entry.rule.split("-")[0] not in stages:
            raise RefusedError(f"there is no rule called {entry.rule}")
        if rule is not None and (entry.axis, entry.condition) != (rule.axis, rule.condition):
            raise RefusedError(f"rule {entry.rule} is weighed on {rule.axis}, not on {entry.axis}")
    return tuple(
        Outcome(
            rule=entry.rule,
            axis=entry.axis,
            condition=entry.condition,
            status=entry.status,
            reason="",
            severity=entry.severity,
            confidence=entry.confidence,
            dispute=entry.dispute,
            yields_to=ours[entry.rule].yields_to if entry.rule in ours else (),
        )
        for entry in folder.outcomes
    )


def _verify_verdict(folder: FolderModel, outcomes: Sequence[Outcome], policies: dict[str, Policy]) -> None:
    """Refuse a verdict that our own function does not come to."""
    verdicts = {name: decide(outcomes, policy) for name, policy in policies.items()}
    mine = verdicts[folder.policy]
    axes = {entry.axis: (entry.call, tuple(entry.deciding)) for entry in folder.axes}
    expected = {entry.axis: (entry.call, entry.deciding) for entry in mine.axes}
    policies_said = {str(name): call for name, call in folder.policies.items()}
    if (
        folder.verdict is not mine.overall
        or tuple(folder.deciding) != mine.deciding
        or axes != expected
        or policies_said != {name: verdict.overall for name, verdict in verdicts.items()}
    ):
        raise RefusedError(f"forged verdict: its own outcomes give {mine.overall}, it says {folder.verdict}")


def _verify_groups(folder: FolderModel, outcomes: Sequence[Outcome], policy: Policy) -> None:
    """Refuse a report that hides an outcome, invents one or gives it another weight."""
    by_rule = {outcome.rule: outcome for outcome in outcomes}
    told = [(rule, group) for group in folder.groups for rule in group.rules]
    due = sorted(outcome.rule for outcome in outcomes if outcome.status in _SHOWN)
    if sorted(rule for rule, _ in told) != due:
        raise RefusedError("the report does not tell of exactly the outcomes that it rests on")
    for rule, group in told:
        outcome = by_rule[rule]
        as_weighed = (outcome.axis, outcome.status, _word(outcome, policy))
        if (Axis(group.axis), group.status, group.word) != as_weighed:
            raise RefusedError(f"the report gives {rule} another weight than its outcome has")


def _word(outcome: Outcome, policy: Policy) -> str:
    """Return what an outcome weighs, in the word that reports use."""
    if outcome.status is not Status.FLAGGED:
        return outcome.status.value
    effect = policy.reading(outcome).effect
    unsure = effect is Effect.VIOLATION and outcome.confidence < policy.min_confidence
    return Effect.FLAG.value if unsure else effect.value


def _verify_rulings(folder: FolderModel, known: Known) -> None:
    """Refuse a ruling that no maintainer committed."""
    from harness.report.escape import visible

    committed = {
        (entry.rule, entry.decision, visible(entry.who), entry.date.isoformat(), entry.expires.isoformat())
        for entry in known.rulings
    }
    for entry in folder.rulings:
        if (entry.rule, entry.decision, entry.who, entry.date, entry.expires) not in committed:
            raise RefusedError(f"forged ruling: the base branch has none on {entry.rule} by {entry.who}")


def _verify_sarif(upload: Upload) -> None:
    """Refuse results on files outside the judged folders, and results that no outcome stands for."""
    paths = tuple(folder.judged.path.rstrip("/") + "/" for folder in upload.review.folders)
    rules = {entry.rule for folder in upload.review.folders for entry in folder.outcomes}
    at_root = any(folder.judged.path == "." for folder in upload.review.folders)
    for result in upload.sarif.runs[0].results:
        if result.ruleId not in rules:
            raise RefusedError(f"review.sarif tells of {result.ruleId}, review.json does not")
        for place in (*result.locations, *result.relatedLocations):
            uri = unquote(place.physicalLocation.artifactLocation.uri)
            inside = at_root or uri.startswith(paths) or uri + "/" in paths
            if not inside or uri.startswith("/") or ".." in uri.split("/"):
                raise RefusedError(f"review.sarif points outside the judged folder: {uri}")
