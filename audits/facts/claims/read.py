"""Joins the two claim readers with the declared requirements."""

from __future__ import annotations

import re

from audits.facts.claims.readme import read_readme
from audits.facts.claims.records import Claims
from audits.facts.claims.submission_json import read_submission_json
from audits.submission import Submission

_NAME = re.compile(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]{0,80})")
REQUIREMENT_LINES = 500
TEXT_CAP = 200_000


def read_claims(submission: Submission) -> Claims:
    """Return everything that the submission claims outside its logs. Never raises for bad input."""
    stated = read_submission_json(submission)
    return Claims(
        submission=stated,
        readme=read_readme(submission, stated.val_bpb or stated.val_bpb_mean),
        requirements=_requirements(submission),
    )


def _requirements(submission: Submission) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for file in submission.files:
        if not re.match(r"requirements[\w.-]*\.txt$", file.name.lower()):
            continue
        for line in (
            file.data[:TEXT_CAP].decode("utf-8-sig", errors="replace").split("\n")[:REQUIREMENT_LINES]
        ):
            match = _NAME.match(line[:400])
            if match and not line.lstrip().startswith(("#", "-")):
                names[match.group(1).lower()] = None
    return tuple(names)
