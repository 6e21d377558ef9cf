"""Rule: a file that every entry must hold is not in the folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.example_folder import SCRIPT, folder
from audits.location import Location
from audits.outcome import Axis, Condition, Evidence, Outcome, Severity, Status
from audits.rule import Example, Rule, RuleSource
from audits.submission import OriginKind

if TYPE_CHECKING:
    from audits.facts import Facts


class MissingRequiredFile(Rule):
    """README.md, submission.json, a train log or the training script is not in the folder.

    Why: without the full set an entry is not accepted; nothing else of it can be checked.
    Looks for: the files that the challenge names; any log that reports a run will do, and a script or README of
    another name is a warning. Empty files count as missing.
    Blind to: whether the files are the right ones (other rules compare them).
    """

    id = "missing-required-file"
    axis = Axis.PACKAGE
    condition = Condition.PACKAGE
    sources = (
        RuleSource("README", "openai", "2026-03-18", "entries without the full set will not be accepted"),
        RuleSource("PR #561", "cocohearts", "2026-03-23", "#505 refused: no submission.json and no logs"),
    )
    flagged = (
        Example("no log", SCRIPT, folder({}), "#1629"),
        Example(
            "no submission.json", SCRIPT, (("README.md", "# Example\n"), ("train.log", "seed:1\n")), "#505"
        ),
    )
    clean = (Example("complete", SCRIPT, folder(), "#549"),)

    def check(self, facts: Facts) -> Outcome:
        """Look for each required file."""
        if facts.submission.origin.kind is OriginKind.SCRIPT:
            return self.outcome(Status.NOT_APPLICABLE, "a script was given, not a folder")
        found = [entry for name in facts.challenge.required_files if (entry := _missing(name, facts))]
        serious = [entry for entry in found if entry.severity is Severity.VIOLATION]
        if not found:
            names = ", ".join(facts.challenge.required_files)
            return self.outcome(Status.CLEAN, f"{names} are there")
        severity = Severity.VIOLATION if serious else Severity.WARNING
        reason = "; ".join(entry.message for entry in found)
        return self.outcome(Status.FLAGGED, reason, tuple(found), severity=severity)


def _missing(name: str, facts: Facts) -> Evidence | None:
    """Return what is wrong with one required file, or None."""
    files = facts.submission.files
    if any(file.path.lower() == name.lower() and file.size != 0 for file in files):
        return None
    if name.endswith(".log"):
        return None if any(log.informative for log in facts.logs) else Evidence(None, "no train log")
    if any(file.path.lower() == name.lower() for file in files):
        return Evidence(Location(name, 1, 1), f"{name} is empty")
    other = _stand_in(name, facts)
    if other:
        return Evidence(Location(other, 1, 1), f"{name} is called {other}", severity=Severity.WARNING)
    return Evidence(None, f"no {name}")


def _stand_in(name: str, facts: Facts) -> str | None:
    """Return a file of another name that evidently does the job, or None."""
    if name.endswith(".py"):
        main = facts.submission.main_script
        file = facts.submission.file(main) if main else None
        return main if file is not None and file.size > 0 else None
    if name.endswith(".json"):
        json = facts.claims.submission
        return json.path if json.readable and json.path != name else None
    return facts.claims.readme.path if facts.claims.readme.present else None
