"""What intake hands on: every submission that the target holds, and what was left out and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audits.errors import UserError

if TYPE_CHECKING:
    from audits.submission import Submission


@dataclass(frozen=True, slots=True)
class Intake:
    """The submissions found under one target."""

    submissions: tuple[Submission, ...]
    """One per record folder; empty when a pull request holds none."""
    notes: tuple[str, ...] = ()
    """What a reader must know about the choice: several folders, folders left out, fallbacks taken."""


class NothingToAuditError(UserError):
    """The target exists but holds no file that could be judged."""
