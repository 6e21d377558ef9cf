"""Records built by hand for tests: submissions, outcomes and rules that need no pull request."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, ClassVar

from audits.location import Location
from audits.outcome import Axis, Condition, Evidence, Outcome, Severity, Status
from audits.rule import Rule
from audits.submission import IntakeProblem, Origin, OriginKind, RunCommand, SourceFile, Submission

if TYPE_CHECKING:
    from collections.abc import Mapping

    from audits.facts import Facts

FOLDER = "2026-04-01_Example"
TRACK = "track_10min_16mb"


def make_file(path: str, content: str | bytes) -> SourceFile:
    """Return a source file with the digest git would give it."""
    data = content.encode() if isinstance(content, str) else content
    blob = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
    return SourceFile(path, data, len(data), blob)


def make_submission(
    files: Mapping[str, str | bytes],
    *,
    track: str | None = TRACK,
    folder: str = FOLDER,
    main_script: str | None = "train_gpt.py",
    run_commands: tuple[RunCommand, ...] = (),
    problems: tuple[IntakeProblem, ...] = (),
    origin: Origin | None = None,
) -> Submission:
    """Return the submission that consists of `files` (path in the folder to content)."""
    path = f"records/{track}/{folder}" if track else folder
    return Submission(
        origin=origin or Origin(OriginKind.FOLDER, path),
        path=path,
        track=track,
        folder=folder,
        files=tuple(make_file(name, content) for name, content in files.items()),
        main_script=main_script if main_script in files else None,
        main_script_reason="named train_gpt.py" if main_script in files else "no script",
        run_commands=run_commands,
        problems=problems,
    )


def make_outcome(
    rule: str = "some-rule",
    axis: Axis = Axis.LEGALITY,
    status: Status = Status.FLAGGED,
    reason: str = "because",
    *evidence: Evidence,
    condition: Condition = Condition.C3,
    severity: Severity = Severity.VIOLATION,
    confidence: float = 1.0,
    dispute: str | None = None,
    patterns: tuple[str, ...] = (),
    dormant: tuple[str, ...] = (),
    yields_to: tuple[str, ...] = (),
) -> Outcome:
    """Return an outcome that only spells out what a test is about."""
    return Outcome(
        rule,
        axis,
        condition,
        status,
        reason,
        evidence,
        severity,
        confidence,
        patterns,
        dormant,
        dispute,
        yields_to,
    )


def evidence(path: str, start: int, message: str, *, end: int | None = None, layer: int = 0) -> Evidence:
    """Return flagged evidence at `path:start-end`."""
    return Evidence(Location(path, start, end or start, layer), message)


class FixedRule(Rule):
    """A rule that always ends the same way.

    Why: tests need one. Looks for: nothing. Blind to: everything.
    """

    id = "fixed"
    axis = Axis.LEGALITY
    condition = Condition.C3
    status: ClassVar[Status] = Status.CLEAN

    def check(self, facts: Facts) -> Outcome:
        """Return the fixed outcome."""
        return self.outcome(self.status, "always")


class RaisingRule(FixedRule):
    """A rule with a bug."""

    id = "raising"

    def check(self, facts: Facts) -> Outcome:
        """Raise, as a rule must not."""
        raise ZeroDivisionError("a bug in the rule")
