"""Rule: the folder's name or place is not what the track asks for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from audits.example_folder import SCRIPT, claims, folder
from audits.location import Location
from audits.outcome import Axis, Condition, Evidence, Outcome, Severity, Status
from audits.rule import Example, Rule, RuleSource
from audits.submission import OriginKind

if TYPE_CHECKING:
    from audits.facts import Facts

NAME = re.compile(r"^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])_\S")


class MisplacedFolder(Rule):
    """The folder lies in no known track, lacks the date prefix, or is filed under another track than it claims.

    Why: track and order of the entries are read off the path.
    Looks for: the track directory, the shape YYYY-MM-DD_description, and the track that submission.json states.
    Blind to: dates that are well-formed and wrong.
    """

    id = "misplaced-folder"
    axis = Axis.PACKAGE
    condition = Condition.PACKAGE
    sources = (
        RuleSource("PR #1529", "cocohearts", "2026-04-29", "folder names are YYYY-MM-DD_description"),
        RuleSource("issue #729", "participants", "2026-03-25", "an entry filed in the wrong track"),
    )
    flagged = (
        Example(
            "claims the non-record track from the record directory",
            SCRIPT,
            folder(json_text=claims(track="non_record_16mb")),
            "#640",
        ),
    )
    clean = (Example("claims its own track", SCRIPT, folder(json_text=claims(track="10min_16mb")), "#1019"),)

    def check(self, facts: Facts) -> Outcome:
        """Look at the folder's name, its track and the track it claims."""
        submission = facts.submission
        if submission.origin.kind is OriginKind.SCRIPT:
            return self.outcome(Status.NOT_APPLICABLE, "a script was given, not a folder")
        found: list[Evidence] = []
        directory = facts.challenge.track(submission.track)
        if directory is None and submission.origin.kind is OriginKind.GIT:
            found.append(Evidence(None, f"{submission.path} lies in no track directory"))
        if not NAME.match(submission.folder):
            found.append(Evidence(None, f"{submission.folder!r} is not YYYY-MM-DD_description"))
        elif " " in submission.folder:
            found.append(Evidence(None, "the folder's name holds spaces", severity=Severity.WARNING))
        stated = facts.claims.submission.track
        if directory is not None and stated is not None and (other := _contradiction(facts, stated.value)):
            line = stated.location.start_line
            message = f"filed under {directory.name}, {stated.text[:60]} ({other})"
            found.append(Evidence(Location(stated.location.path, line, line), message))
        if not found:
            return self.outcome(Status.CLEAN, f"{submission.folder} is named and filed as it should be")
        serious = any(entry.severity is Severity.VIOLATION for entry in found)
        severity = Severity.VIOLATION if serious else Severity.WARNING
        return self.outcome(
            Status.FLAGGED, "; ".join(e.message for e in found), tuple(found), severity=severity
        )


def _contradiction(facts: Facts, words: str) -> str | None:
    """Return the kind of track that a claim speaks of when the directory is of the other kind."""
    text = words.lower().replace("-", "_").replace(" ", "_")
    directory = facts.challenge.track(facts.submission.track)
    known = [
        t
        for t in facts.challenge.tracks
        for word in (t.name, *t.spellings)
        if text == word.replace("-", "_").replace(" ", "_")
    ]
    if directory is None or not known or any(track.record == directory.record for track in known):
        return None
    return "a record track" if known[0].record else "a non-record track"
