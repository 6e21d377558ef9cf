"""Run the stages of the static audit: challenge, facts, rules.

Promises that no stage disappears: a rule that raises ends `crashed` with its traceback and the run
goes on; when the facts themselves cannot be read, every rule ends `crashed`. Neither is a pass.
"""

from __future__ import annotations

import gc
import traceback
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from audits.outcome import Outcome, Status
from audits.rules import discover

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from audits.challenge import Challenge
    from audits.facts import Facts
    from audits.rule import Rule
    from audits.submission import Submission

_ROOT = str(Path(__file__).resolve().parent.parent)


@dataclass(frozen=True, slots=True)
class AuditResult:
    """Everything that one audit of one submission found, before any policy is applied."""

    submission: Submission
    facts: Facts | None
    """None when the facts stage itself crashed; every outcome is then `crashed`."""
    outcomes: tuple[Outcome, ...]
    """One outcome a rule, in rulebook order."""
    timings_ms: dict[str, float]
    """Wall time by stage (`challenge`, `facts`, `rules`) and `total`."""
    crash: str | None = None
    """Traceback of a stage that crashed, else None."""


class _Clock:
    """Collects the wall time of named stages."""

    def __init__(self) -> None:
        self.started = perf_counter()
        self.last = self.started
        self.timings_ms: dict[str, float] = {}

    def lap(self, stage: str) -> None:
        """Book the time since the last lap under `stage`."""
        now = perf_counter()
        self.timings_ms[stage] = round((now - self.last) * 1000, 3)
        self.last = now

    def stop(self) -> dict[str, float]:
        """Return the laps with their total."""
        total = round((perf_counter() - self.started) * 1000, 3)
        return {**self.timings_ms, "total": total}


def audit(
    submission: Submission, challenge: Challenge | None = None, *, rules: Sequence[Rule] | None = None
) -> AuditResult:
    """Read the facts of `submission` and judge them by every rule (or by `rules`)."""
    rulebook = discover() if rules is None else tuple(rules)
    with _collector_paused():
        return _audit(submission, challenge, rulebook)


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Pause cyclic garbage collection: trees and traces live until the end, so looking is in vain."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _audit(submission: Submission, challenge: Challenge | None, rulebook: tuple[Rule, ...]) -> AuditResult:
    clock = _Clock()
    facts, crash = _read_facts(submission, challenge, clock)
    if facts is None:
        reason = f"the facts could not be read, so nothing was judged:\n{crash}"
        outcomes = tuple(rule.outcome(Status.CRASHED, reason) for rule in rulebook)
    else:
        outcomes = tuple(run_rule(rule, facts) for rule in rulebook)
    clock.lap("rules")
    return AuditResult(submission, facts, outcomes, clock.stop(), crash)


def run_rule(rule: Rule, facts: Facts) -> Outcome:
    """Return how `rule` ended; its exception becomes a `crashed` outcome."""
    try:
        outcome = rule.check(facts)
        if not isinstance(outcome, Outcome):
            raise TypeError(f"check() returned {type(outcome).__name__}, not an Outcome")
    except Exception:
        return rule.outcome(Status.CRASHED, f"the rule raised:\n{_traceback()}")
    return outcome


def _read_facts(
    submission: Submission, challenge: Challenge | None, clock: _Clock
) -> tuple[Facts | None, str | None]:
    """Return the facts, or None with the traceback of the stage that raised."""
    try:
        if challenge is None:
            challenge = _detector()(submission)
        clock.lap("challenge")
        facts = _extractor()(submission, challenge)
    except Exception:
        return None, _traceback()
    finally:
        clock.lap("facts")
    return facts, None


def _detector() -> Callable[[Submission], Challenge]:
    """Import late: reading rules must not pay for the challenges."""
    from audits.challenge_loader import detect_challenge

    return detect_challenge


def _extractor() -> Callable[[Submission, Challenge], Facts]:
    """Import late: reading rules must not pay for the analysis."""
    from audits.facts.extract import extract

    return extract


def _traceback() -> str:
    """Return the current traceback with paths relative to the project, at most 20 frames."""
    return traceback.format_exc(limit=-20).replace(_ROOT + "/", "").strip()
