"""Rule: the pull request changes what maintainers ruled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.example_folder import SCRIPT, folder
from audits.outcome import Axis, Condition, Evidence, Outcome, Status
from audits.rule import Example, Rule, RuleSource

if TYPE_CHECKING:
    from audits.facts import Facts
    from audits.submission import Change

GUARDED = ".referee/"
SHOWN = 8


class RulingsTouched(Rule):
    """The pull request adds, changes or removes something under `.referee/`, where maintainers' rulings lie.

    Why: a ruling settles how a submission is judged. An entry that brings its own would judge itself, and once
    merged its ruling would be read from the base branch.
    Looks for: every path that the pull request adds, changes, deletes or moves, new name and old.
    Blind to: local folders, which have no pull request; rulings themselves are only ever read from the base
    branch.
    """

    id = "rulings-touched"
    axis = Axis.PACKAGE
    condition = Condition.PACKAGE
    sources = (
        RuleSource("README", "openai", "2026-03-18", "a pull request that only adds one new folder"),
        RuleSource("Referee", "its own terms", "2026-05-02", "rulings are committed by maintainers"),
    )
    flagged = (
        Example(
            "a ruling on itself",
            SCRIPT,
            folder(),
            "",
            changes=(("added", ".referee/rulings/PR-7.toml"),),
        ),
    )
    clean = (
        Example(
            "a folder of a similar name",
            SCRIPT,
            folder(),
            "",
            changes=(("added", "records/track_10min_16mb/.referee/notes.toml"),),
        ),
    )

    def check(self, facts: Facts) -> Outcome:
        """Look at every touched path of the pull request."""
        changes = facts.submission.changes
        if not changes:
            return self.outcome(Status.NOT_APPLICABLE, "no pull request to look at")
        touched = [change for change in changes if _guarded(change)]
        if not touched:
            return self.outcome(Status.CLEAN, f"none of {len(changes)} touched paths lies under {GUARDED}")
        evidence = tuple(Evidence(None, f"{entry.status.value}: {entry.path}") for entry in touched[:SHOWN])
        reason = f"{len(touched)} paths under {GUARDED}, which is for maintainers to change"
        return self.outcome(Status.FLAGGED, reason, evidence)


def _guarded(change: Change) -> bool:
    """Tell whether a path lies, or lay, under the guarded folder."""
    return any(path.lower().startswith(GUARDED) for path in (change.path, change.old_path or ""))
