"""Settings that a README states in prose, for submissions that document no command at all."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from audits.location import Location

if TYPE_CHECKING:
    from audits.submission import Submission

ASSIGNED = re.compile(r"`([A-Z][A-Z0-9_]{2,60})=([\w./:+-]{1,100})`")
"""One code span that holds one assignment."""
LONGEST_LINE = 4_000


def stated_settings(submission: Submission) -> tuple[dict[str, str], Location | None]:
    """Return `NAME=value` from the README's code spans and the first place of one."""
    readme = submission.file("README.md")
    found: dict[str, str] = {}
    where: Location | None = None
    if readme is None:
        return found, where
    for number, line in enumerate(readme.data.decode("utf-8", "replace").split("\n"), 1):
        for match in ASSIGNED.finditer(line[:LONGEST_LINE]):
            found.setdefault(match.group(1), match.group(2))
            where = where or Location(readme.path, number, number)
    return found, where
