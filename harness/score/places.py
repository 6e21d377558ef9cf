"""Why a call is what it is: the rules that decided it, and links to the lines they point at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import quote

from audits.outcome import Status
from audits.policy import load_policy
from audits.verdict import AxisCall, call_of
from harness.score.documented import documented

if TYPE_CHECKING:
    from collections.abc import Iterable

    from audits.outcome import Evidence, Outcome
    from audits.policy import Policy
    from harness.sweep.reader import Reader
    from harness.sweep.records import Judged

REPOSITORY = "https://github.com/openai/parameter-golf"
MAX_PLACES = 5
_SILENT = (AxisCall.CLEAN, AxisCall.NOT_APPLICABLE)


@documented
@dataclass(frozen=True, slots=True)
class Place:
    """One place in the files of a submission."""

    path: str
    """Relative to the record folder."""
    start_line: int
    end_line: int
    layer: int
    """0 for the file as committed, n for the n-th source unpacked from it."""
    url: str
    """The lines on GitHub; for an unpacked source the file that wraps it."""
    message: str

    @property
    def label(self) -> str:
        """Return how the place is named in a sentence."""
        lines = (
            str(self.start_line) if self.end_line <= self.start_line else f"{self.start_line}-{self.end_line}"
        )
        return f"{self.path}, unpacked line {lines}" if self.layer else f"{self.path}:{lines}"


@documented
@dataclass(frozen=True, slots=True)
class Reason:
    """One rule that made a call what it is."""

    rule: str
    status: str
    text: str
    places: tuple[Place, ...]
    """At most `MAX_PLACES`; none for a rule that saw nothing wrong."""


def reasons_on(store: Reader, judged: Judged, axis: str, policy: str) -> tuple[Reason, ...]:
    """Return the rules that decided `axis` for one folder, in rulebook order."""
    verdict = judged.verdicts[policy]
    call = verdict.axes[axis]
    reading = _policy(policy, verdict.edition)
    outcomes = store.outcomes((judged.entry.pr, judged.entry.position))
    on_axis = [outcome for outcome in outcomes if outcome.axis == axis]
    return tuple(
        Reason(
            outcome.rule,
            outcome.status.value,
            outcome.reason,
            () if call in _SILENT else places_of(judged, _telling(outcome)),
        )
        for outcome in on_axis
        if call_of(outcome, reading) == call
    )


def pattern_reasons(store: Reader, judged: Judged, pattern: str) -> tuple[Reason, ...]:
    """Return the rules that recognised `pattern` as running."""
    outcomes = store.outcomes((judged.entry.pr, judged.entry.position))
    return tuple(
        Reason(o.rule, o.status.value, o.reason, places_of(judged, _showing(o, pattern)))
        for o in outcomes
        if pattern in o.patterns
    )


def places_of(judged: Judged, evidence: Iterable[Evidence]) -> tuple[Place, ...]:
    """Return the places of `evidence` that lie in files."""
    found = []
    for item in evidence:
        where = item.location
        if where is not None:
            url = line_url(judged, where.path, 0 if where.layer else where.start_line, where.end_line)
            found.append(Place(where.path, where.start_line, where.end_line, where.layer, url, item.message))
    return tuple(dict.fromkeys(found))[:MAX_PLACES]


def line_url(judged: Judged, path: str, start_line: int, end_line: int) -> str:
    """Return the address of lines at the head that was swept; without a line, of the file."""
    inside = "/".join(part for part in (judged.entry.path.strip("/."), path) if part)
    url = f"{REPOSITORY}/blob/{judged.head_sha}/{quote(inside)}"
    if not start_line:
        return url
    return f"{url}#L{start_line}" + (f"-L{end_line}" if end_line > start_line else "")


def pull_url(pr: int) -> str:
    """Return the address of a pull request."""
    return f"{REPOSITORY}/pull/{pr}"


@cache
def _policy(name: str, edition: str) -> Policy:
    return load_policy(name, date.fromisoformat(edition))


def _telling(outcome: Outcome) -> list[Evidence]:
    """Return the evidence that stands for the outcome: what is flagged before what is only noted."""
    flagged = [item for item in outcome.evidence if item.status is Status.FLAGGED]
    return flagged or list(outcome.evidence)


def _showing(outcome: Outcome, pattern: str) -> list[Evidence]:
    named = [item for item in outcome.evidence if item.pattern == pattern]
    return named or list(outcome.evidence)
