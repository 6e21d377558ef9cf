"""Maintainers' rulings: `.referee/rulings/PR-N.toml`, read from the base branch and from nowhere else.

Promises that a file which cannot be read, or names a rule that does not exist (any more), is an error and no
silent pass. Whether a ruling still holds is decided here; what it does to an outcome is `ruled`'s.

    [[ruling]]
    rule = "calibrated-on-validation"
    decision = "legal"                   # or "illegal"
    who = "octocat"
    why = "The calibration set is drawn from the training shards; see line 210."
    link = "https://github.com/openai/parameter-golf/pull/42#issuecomment-1"
    date = 2026-04-02
    expires = 2026-10-01
    head = "4ede046aac47273388f3b4d02de228292faa8a50"   # optional: this head only
    folder = "2026-04-01_Example"                       # optional: this folder only
"""

from __future__ import annotations

import datetime
import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audits.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Collection

    import pygit2

FOLDER = ".referee/rulings"
_MAX_BYTES = 100_000
_TEXTS = {"rule": 100, "decision": 10, "who": 100, "why": 2000, "link": 500}
_OPTIONAL = {"head": 64, "folder": 200}
_DATES = ("date", "expires")


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a maintainer decided about one rule on one pull request."""

    rule: str
    decision: str
    """`legal` or `illegal`."""
    who: str
    why: str
    link: str
    date: datetime.date
    expires: datetime.date
    """The first day on which it no longer holds."""
    head: str = ""
    """The head it was made for; empty when it holds for every head."""
    folder: str = ""
    """The record folder it is about; empty for all of the pull request."""

    def lapsed(self, head: str | None, today: datetime.date) -> str:
        """Return why it does not hold (any more), else an empty string."""
        if today >= self.expires:
            return f"it expired on {self.expires.isoformat()}"
        if self.head and self.head != head:
            return f"it was made for head {self.head[:12]}, which is no longer the head"
        return ""


def ruling_path(pr: int) -> str:
    """Return the file in which rulings on a pull request lie."""
    return f"{FOLDER}/PR-{pr}.toml"


def read_rulings(
    repo: pygit2.Repository, base: pygit2.Oid | None, pr: int, rules: Collection[str]
) -> tuple[Ruling, ...]:
    """Return the rulings on `pr` that the commit `base` holds."""
    import pygit2

    if base is None:
        return ()
    path = ruling_path(pr)
    try:
        entry = repo[base].peel(pygit2.Tree)[path]
    except KeyError:
        return ()
    if not isinstance(entry, pygit2.Blob) or entry.filemode == pygit2.enums.FileMode.LINK:
        raise UserError(f"{path} is no regular file on the base branch", "commit the rulings themselves")
    if entry.size > _MAX_BYTES:
        raise UserError(f"{path} is larger than {_MAX_BYTES:,} bytes", "state the ruling, link the debate")
    return parse_rulings(entry.data, path, rules)


def parse_rulings(data: bytes, path: str, rules: Collection[str]) -> tuple[Ruling, ...]:
    """Return the rulings that a file states, or raise a user error that names the entry."""
    try:
        document = tomllib.loads(data.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UserError(f"{path} is not TOML: {error}", "see docs/ci.md for the form") from None
    entries = document.get("ruling")
    if set(document) != {"ruling"} or not isinstance(entries, list):
        raise UserError(f"{path} holds something else than [[ruling]] entries", "see docs/ci.md for the form")
    return tuple(_ruling(entry, f"{path}, ruling {n}", rules) for n, entry in enumerate(entries, 1))


def _ruling(entry: dict[str, Any], where: str, rules: Collection[str]) -> Ruling:
    """Return one entry, checked key by key."""
    wrong = set(entry) - {*_TEXTS, *_OPTIONAL, *_DATES}
    missing = {*_TEXTS, *_DATES} - set(entry)
    if wrong or missing:
        said = f"unknown key {min(wrong)}" if wrong else f"{min(missing)} is missing"
        raise UserError(f"{where}: {said}", "see docs/ci.md for the form")
    for key, limit in (_TEXTS | _OPTIONAL).items():
        value = entry.get(key, "")
        if not isinstance(value, str) or len(value) > limit or (key in _TEXTS and not value.strip()):
            raise UserError(f"{where}: {key} must be a text of at most {limit} characters")
    for key in _DATES:
        if type(entry[key]) is not datetime.date:
            raise UserError(f"{where}: {key} must be a date", "write it without quotes: 2026-10-01")
    _check_meaning(entry, where, rules)
    return Ruling(**entry)


def _check_meaning(entry: dict[str, Any], where: str, rules: Collection[str]) -> None:
    """Refuse what is well formed and still means nothing."""
    if entry["rule"] not in rules and not _of_a_stage(entry["rule"]):
        raise UserError(
            f"{where}: there is no rule called {entry['rule']!r}, or not any more",
            "`referee rules` lists them; a renamed rule needs a new ruling",
        )
    if entry["decision"] not in ("legal", "illegal"):
        raise UserError(f"{where}: decision must be legal or illegal")
    if entry["expires"] <= entry["date"]:
        raise UserError(f"{where}: it expires before it holds")
    if entry.get("head") and not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", entry["head"]):
        raise UserError(f"{where}: head must be a full commit id")


def _of_a_stage(rule: str) -> bool:
    """Tell whether an id is of the form that outcomes of a registered stage have: `smoke`, `smoke-escape`."""
    from harness.stages import registered

    return rule.partition("-")[0] in {stage.name for stage in registered()}
