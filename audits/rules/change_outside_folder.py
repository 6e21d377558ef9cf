"""Rule: the pull request does more than add one folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.example_folder import SCRIPT, folder
from audits.outcome import Axis, Condition, Evidence, Outcome, Status
from audits.rule import Example, Rule, RuleSource
from audits.submission import ChangeStatus

if TYPE_CHECKING:
    from audits.facts import Facts

SHOWN = 8


class ChangeOutsideFolder(Rule):
    """The pull request touches files outside its record folder, or brings several folders.

    Why: an entry only adds one new folder; anything else changes other people's records or the repository.
    Looks for: every path that the pull request adds, changes or deletes.
    Blind to: local folders, which have no pull request.
    """

    id = "change-outside-folder"
    axis = Axis.PACKAGE
    condition = Condition.PACKAGE
    sources = (
        RuleSource("README", "openai", "2026-03-18", "a pull request that only adds one new folder"),
        RuleSource(
            "corpus", "measured", "2026-05-02", "391 of 1,863 pull requests touch other files as well"
        ),
    )
    flagged = (
        Example(
            "the repository's own script is changed as well",
            SCRIPT,
            folder(),
            "#1027",
            changes=(("modified", "train_gpt.py"),),
        ),
    )
    clean = (Example("a folder without a pull request", SCRIPT, folder(), "#549"),)

    def check(self, facts: Facts) -> Outcome:
        """Sort the touched paths into the folder's and the others'."""
        submission = facts.submission
        if not submission.changes:
            return self.outcome(Status.NOT_APPLICABLE, "no pull request to look at")
        inside = submission.path.rstrip("/") + "/"
        own = [change for change in submission.changes if change.path.startswith(inside)]
        outside = [change for change in submission.changes if not change.path.startswith(inside)]
        altered = [change for change in own if change.status is not ChangeStatus.ADDED]
        evidence = [Evidence(None, f"{change.status.value}: {change.path}") for change in outside[:SHOWN]]
        evidence += [
            Evidence(None, f"{change.status.value} in the folder: {change.path}")
            for change in altered[:SHOWN]
        ]
        reasons = []
        if submission.other_folders:
            reasons.append(f"{len(submission.other_folders) + 1} record folders in one pull request")
        if outside:
            reasons.append(f"{len(outside)} paths outside {inside}")
        if altered and len(altered) == len(own):
            reasons.append("the folder was there before")
        if reasons:
            return self.outcome(Status.FLAGGED, "; ".join(reasons), tuple(evidence))
        return self.outcome(Status.CLEAN, f"{len(own)} files added in one folder")
