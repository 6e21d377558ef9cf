"""Readings of the rules as data: `audits/policies/<name>.toml`, dated, the latest unless asked otherwise.

Promises that a policy never changes what was seen: it only says what a flagged outcome weighs.
An edition inherits every entry of the editions before it and overrides them one by one.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audits.errors import UserError
from audits.outcome import Outcome, Severity

if TYPE_CHECKING:
    import datetime
    from collections.abc import Mapping

POLICY_NAMES = ("practice", "readme", "strict")
_FOLDER = Path(__file__).parent / "policies"


class Effect(StrEnum):
    """What a flagged outcome weighs under a policy, worst first."""

    VIOLATION = "violation"
    """ILLEGAL on legality, VIOLATION elsewhere (when the rule is confident)."""
    FLAG = "flag"
    """A person has to decide."""
    NOTE = "note"
    """Shown, and counts for nothing."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How one dispute or one rule is read, and why."""

    effect: Effect
    why: str
    ruling: str | None = None
    """Stem of the file under `audits/rulings/`, None when the reading needs none."""


@dataclass(frozen=True, slots=True)
class Policy:
    """One dated reading of the rules."""

    name: str
    edition: datetime.date
    """The day from which this edition applies."""
    title: str
    summary: str
    min_confidence: float
    """Below this a violation is only a FLAG."""
    size_reading: str
    """Which of the three byte totals binds: `strict`, `readme` or `practice`."""
    one_step_tolerance: bool
    """Whether a training clock may run over by the step it was in."""
    significance: str
    """`written` (0.005 nats at p < 0.01) or `practised` (p < 0.25)."""
    severities: Mapping[Severity, Effect]
    disputes: Mapping[str, Reading]
    at_most: Mapping[str, Reading]
    """By rule id, the most that its findings weigh: rules that were not yet ruled on at the time."""

    def reading(self, outcome: Outcome) -> Reading:
        """Return what a flagged `outcome` weighs here."""
        weighs = self.disputes.get(outcome.dispute or "") or Reading(self.severities[outcome.severity], "")
        ceiling = self.at_most.get(outcome.rule)
        effects = list(Effect)
        if ceiling and effects.index(ceiling.effect) > effects.index(weighs.effect):
            return ceiling
        return weighs


def load_policy(name: str, as_of: datetime.date | None = None) -> Policy:
    """Return the edition of policy `name` that applied on `as_of` (the latest when None)."""
    if name not in POLICY_NAMES:
        raise UserError(f"there is no policy called {name!r}", "choose one of " + ", ".join(POLICY_NAMES))
    document = _document(name)
    editions = [entry for entry in document["edition"] if as_of is None or entry["date"] <= as_of]
    if not editions:
        first = document["edition"][0]["date"]
        raise UserError(f"policy {name} has no edition as early as {as_of}", f"its first one is of {first}")
    return _build(name, document, editions)


def edition_dates(name: str) -> tuple[datetime.date, ...]:
    """Return the dates on which policy `name` changed, oldest first."""
    return tuple(entry["date"] for entry in _document(name)["edition"])


@cache
def _document(name: str) -> dict[str, Any]:
    """Return the parsed file of policy `name`."""
    document = tomllib.loads((_FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    document["edition"].sort(key=lambda entry: entry["date"])
    return document


def _build(name: str, document: dict[str, Any], editions: list[dict[str, Any]]) -> Policy:
    """Lay the editions over one another and return the policy they add up to."""
    merged: dict[str, dict[str, Any]] = {}
    for edition in editions:
        for table in ("verdict", "limits", "record", "severity", "disputes", "at_most"):
            merged.setdefault(table, {}).update(edition.get(table, {}))
    return Policy(
        name=name,
        edition=editions[-1]["date"],
        title=document["title"],
        summary=document["summary"],
        min_confidence=float(merged["verdict"]["min_confidence"]),
        size_reading=merged["limits"]["size_reading"],
        one_step_tolerance=bool(merged["limits"]["one_step_tolerance"]),
        significance=merged["record"]["significance"],
        severities={Severity(key): Effect(value) for key, value in merged["severity"].items()},
        disputes={key: _reading(value) for key, value in merged["disputes"].items()},
        at_most={key: _reading(value) for key, value in merged["at_most"].items()},
    )


def _reading(entry: Mapping[str, str]) -> Reading:
    """Return the reading that one entry of the file states."""
    return Reading(Effect(entry["effect"]), entry["why"], entry.get("ruling"))
