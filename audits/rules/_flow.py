"""What the rules on the flow of validation tokens share: sightings, the honest outcomes and their phrasing.

A rule says which records of the behaviour it speaks of (`sightings`); the status follows here, so that every
rule of the axis is flagged, dormant, unclear and clean for the same reasons.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from audits.outcome import Axis, Evidence, Outcome, Severity, Status
from audits.rule import Rule
from audits.rules._switches import switches_before

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from audits.facts import Facts
    from audits.facts.code import CodeFacts
    from audits.facts.code.behaviour import Behaviour
    from audits.location import Location

EVIDENCE_CAP = 6
ASSUMED = 0.55
"""Confidence in what only happens with a switch on that the run's evidence implies: for a person to confirm."""
FATAL = ("syntax-error", "undecoded-payload", "size-cap", "ratio-cap", "too-deep", "budget-spent")


@dataclass(frozen=True, slots=True)
class Sighting:
    """One breach as a rule tells it: a sentence on its primary line, and the lines that go with it."""

    location: Location
    message: str
    further: tuple[tuple[Location, str], ...] = ()
    confidence: float = 0.95
    pattern: str | None = None
    """Name of the pattern, where the rule has several."""
    also: tuple[str, ...] = ()
    """Further names for the same place: several epochs, a loss that is cut to a context."""
    function: str = ""
    """Function that holds the primary line: the search for the switch of a dormant pattern starts there."""
    headline: bool = True
    """The claimed score depends on it; False for another evaluation that the run also prints."""


class FlowRule(Rule):
    """A rule that reads the behaviour of the code."""

    axis = Axis.LEGALITY
    offence: ClassVar[str] = ""
    """What is missing where the rule ends clean, to follow `no`: `update that precedes ...`."""

    @abstractmethod
    def sightings(self, behaviour: Behaviour, code: CodeFacts) -> Sequence[Sighting]:
        """Return the breaches that one behaviour holds."""

    def check(self, facts: Facts) -> Outcome:
        """Flag what the claimed run does; what only other switches reach is dormant."""
        seen = self.sightings(facts.code.behaviour, facts.code)
        if seen:
            return self.flag(seen)
        asleep = self.sightings(facts.code.dormant, facts.code)
        why = not_followed(facts)
        if why:
            return self.outcome(Status.UNCLEAR, why, dormant=self.names(asleep))
        if asleep:
            return self.sleeping(facts, asleep)
        score = facts.code.behaviour.scores[0]
        note = Evidence(score, "the score that was followed", Status.CLEAN, Severity.NOTE)
        return self.outcome(Status.CLEAN, f"no {self.offence}", (note,))

    def flag(self, seen: Sequence[Sighting], **fields: str) -> Outcome:
        """Return the flagged outcome of some breaches; beside the claimed score they are left to a reviewer."""
        claimed = [item for item in seen if item.headline]
        aside = "" if claimed else "in an evaluation that the run prints beside the claimed score: "
        shown = [*claimed, *(item for item in seen if not item.headline)]
        severity = self.severity if claimed or self.severity is not Severity.VIOLATION else Severity.DISPUTED
        return self.outcome(
            Status.FLAGGED,
            aside + shown[0].message,
            self.shown(shown, Status.FLAGGED, severity),
            severity=severity,
            confidence=max(item.confidence for item in claimed or seen),
            patterns=self.names(shown),
            dispute=fields.get("dispute"),
        )

    def sleeping(self, facts: Facts, asleep: Sequence[Sighting]) -> Outcome:
        """Return the outcome for breaches that are switched off in the claimed run."""
        switches = switches_before(facts.code, asleep[0].location, asleep[0].function)
        how = (
            f"off in the claimed run ({', '.join(switches)})"
            if switches
            else "not reached in the claimed run"
        )
        return self.outcome(
            Status.DORMANT,
            f"{how}: {asleep[0].message}",
            self.shown(asleep, Status.DORMANT, Severity.NOTE),
            confidence=max(item.confidence for item in asleep),
            dormant=self.names(asleep),
        )

    def names(self, seen: Iterable[Sighting]) -> tuple[str, ...]:
        """Return the pattern names of some breaches, without repeats."""
        named = ((item.pattern or self.pattern, *item.also) for item in seen)
        return tuple(dict.fromkeys(name for names in named for name in names if name))

    def shown(self, seen: Iterable[Sighting], status: Status, severity: Severity) -> tuple[Evidence, ...]:
        """Return the places of some breaches: primary lines first, then what goes with them, each line once."""
        seen = tuple(seen)
        found = {
            (item.location, item.message): Evidence(
                item.location, item.message, status, severity, item.confidence, item.pattern
            )
            for item in seen[:EVIDENCE_CAP]
        }
        known = {item.location for item in seen}
        for item in seen:
            for place, says in item.further:
                if place not in known and len(found) < EVIDENCE_CAP:
                    known.add(place)
                    found[place, says] = Evidence(
                        place, says, status, severity, item.confidence, item.pattern
                    )
        return tuple(found.values())


def not_followed(facts: Facts) -> str | None:
    """Return why the claimed run cannot be judged, None when its score was followed from start to end."""
    code = facts.code
    if code.main is None:
        return "the folder holds no main script that can be read"
    for problem in code.problems:
        if problem.code in FATAL and problem.location.path in (code.main.path, facts.submission.main_script):
            return f"{problem.code} in {problem.location.path}: {problem.message}"
    if not code.behaviour.complete:
        return "the code could not be followed to its end"
    if not code.behaviour.scores:
        return "no loss on validation tokens could be followed into bits per byte"
    return None


def at(location: Location, beside: Location | None = None) -> str:
    """Return a place in words: the line, and the file where it differs from the one of `beside`."""
    lines = f"line {location.start_line}"
    if beside is not None and (beside.path, beside.layer) == (location.path, location.layer):
        return lines
    layer = f" (unpacked layer {location.layer})" if location.layer else ""
    return f"{lines} of {location.path}{layer}"
